using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session;

/// <summary>How a C# session is set up.</summary>
public sealed record CSharpSessionOptions
{
    /// <summary>
    /// Folder that relative paths in <c>#r</c>, <c>#load</c> and <c>#!import</c> start from. Default: the current directory.
    /// </summary>
    public string WorkingDirectory { get; init; } = Environment.CurrentDirectory;

    /// <summary>Assemblies (paths) that cells can use besides the host's own.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>Namespaces that cells see besides the usual ones.</summary>
    public IReadOnlyList<string> Imports { get; init; } = [];

    /// <summary>
    /// True: registers the rich formatters (<see cref="SpectralKD.Interactive.NotebookExtension"/>) with the Plotly MIME type.
    /// False where the caller has installed its own.
    /// </summary>
    public bool InstallFormatters { get; init; } = true;

    /// <summary>True: cells and parts of cells in languages that do not run here (F#, SQL, …) are passed over with a note; false: they are errors.</summary>
    public bool SkipUnknown { get; init; }

    /// <summary>
    /// How long an interrupted cell may take to end before the notebook goes on without it (a thread inside native code cannot be stopped).
    /// </summary>
    public TimeSpan InterruptPatience { get; init; } = TimeSpan.FromMilliseconds(900);

    /// <summary>
    /// How long an interrupted magic command may take to put things in order (a training ends its step and writes a checkpoint) before the notebook
    /// goes on without it.
    /// </summary>
    public TimeSpan CommandPatience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Answers <c>Console.ReadLine</c> and its like; null: a cell that asks gets an error. The answer null means end of input.
    /// The token fires when the cell is interrupted. Called on the cell's thread, which waits.
    /// </summary>
    public Func<InputRequest, CancellationToken, Task<string?>>? Input { get; init; }
}
