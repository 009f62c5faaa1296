using System.Globalization;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// A notebook's C#: Roslyn scripting with state from cell to cell, the magic commands of <see cref="SpectralKD.Interactive"/>, and an
/// interrupt that really ends a cell. Several sessions in one process do not see each other. Never touches torch by itself.
/// </summary>
/// <remarks>
/// Survived: endless loops, waits and recursions of the cell's own code, exceptions on threads that a cell has started. Interrupted only
/// when the call returns: a long call into a library that looks at no token, a LINQ query without a lambda of the cell in it; the notebook
/// goes on meanwhile. Not survived, because they end the process: <see cref="Environment.Exit"/>,
/// <see cref="Environment.FailFast(string)"/>, a recursion inside a library, and errors in native code.
/// </remarks>
internal sealed class CSharpSession : INotebookSession
{
    private static int _sessions;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CellCompiler _compiler = new();
    private readonly CarriedScript _carriedScript = new();
    private readonly CarriedScript _carriedMermaid = new();
    private readonly SubmissionChain _submissions;
    private readonly SessionEditor _editor;
    private readonly Lazy<Task> _ready;
    private CultureInfo? _culture;
    private CultureInfo? _uiCulture;

    /// <summary>Makes a session; the compiler is warmed up in the background.</summary>
    /// <param name="options">How it is set up; null: the defaults.</param>
    public CSharpSession(CSharpSessionOptions? options = null)
    {
        Options = options ?? new CSharpSessionOptions();
        LoadContext = new SessionLoadContext(Interlocked.Increment(ref _sessions));
        _submissions = new SubmissionChain(_compiler, LoadContext);
        Variables = new SessionVariables(_submissions, _compiler);
        References = new SessionReferences(_compiler, LoadContext);
        Packages = new SessionPackages(this, References);
        _editor = new SessionEditor(_compiler, new SessionHost(this));
        _ready = new Lazy<Task>(() => Task.Run(Prepare));
        UnhandledExceptions.Install();
        _ = _ready.Value;
    }

    /// <summary>How the session was set up.</summary>
    public CSharpSessionOptions Options { get; }

    /// <summary>The number that the next cell goes by in errors (<c>cell [3]</c>); grows by one with each cell. From 1.</summary>
    public int NextCellNumber { get; set; } = 1;

    /// <summary>The passwords that were typed so far.</summary>
    internal HiddenTexts Hidden { get; } = new();

    /// <summary>What was advised about which code: cells that run again are not advised again.</summary>
    internal HashSet<(string Advice, string Code)> Advised { get; } = [];

    internal SessionLoadContext LoadContext { get; }

    internal CellCompiler Compiler => _compiler;

    internal SubmissionChain SubmissionChain => _submissions;

    internal SessionVariables Variables { get; }

    internal SessionReferences References { get; }

    internal SessionPackages Packages { get; }

    /// <summary>Ends when the first cell can run without waiting for the compiler.</summary>
    public Task WarmUpAsync() => _ready.Value;

    /// <inheritdoc />
    public async Task<CellResult> ExecuteAsync(string code, ICellOutput output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(output);
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await _ready.Value.ConfigureAwait(false);
            CellConsole.Install();
            using var run = new CellExecution(this, NextCellNumber++, output.IsSeen ? WithScripts(output, code) : output, cancellationToken);
            return await RunAsync(code, run).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public async Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await _ready.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return NestedCode.IsTooDeep(code) ? new Completions(position, position, []) : await _editor.CompleteAsync(code, position, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await _ready.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return NestedCode.IsTooDeep(code) ? null : await _editor.InspectAsync(code, position, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public CodeCompleteness IsComplete(string code) => Completeness.Of(code);

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _turn.Dispose();
        _editor.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Remembers what a cell has made the current culture; null for what it leaves.</summary>
    internal void KeepCulture(CultureInfo? culture, CultureInfo? uiCulture)
        => (_culture, _uiCulture) = (culture ?? _culture, uiCulture ?? _uiCulture);

    /// <summary>Makes the cultures that cells have set the caller's.</summary>
    internal void ApplyCulture()
    {
        CultureInfo.CurrentCulture = _culture ?? CultureInfo.CurrentCulture;
        CultureInfo.CurrentUICulture = _uiCulture ?? CultureInfo.CurrentUICulture;
    }

    private ChartScriptOutput WithScripts(ICellOutput output, string code) => new(
        new ChartScriptOutput(output, _carriedScript, code, ChartScript.HasPlace, ChartScript.With), _carriedMermaid, code, MermaidDiagram.HasPlace, MermaidDiagram.With);

    private async Task<CellResult> RunAsync(string code, CellExecution run)
    {
        CellExecution.Current = run;
        try
        {
            var program = new CellProgram(this, _compiler, run, Options.WorkingDirectory);
            await program.RunAsync(code, $"cell [{run.Number}]").ConfigureAwait(false);
            return new CellResult(run.IsInterrupted ? CellErrors.Interrupted(run, null) : null);
        }
        catch (Exception exception)
        {
            return new CellResult(CellErrors.From(exception, run));
        }
    }

    private void Prepare()
    {
        var formatters = Task.Run(PrepareFormatters);
        foreach (var path in Options.References)
        {
            References.AddAssembly(path);
            References.AddReference(path);
        }

        _compiler.Last = _compiler.CreatePrelude(Options.Imports);
        _submissions.WarmUp(_compiler.Compile("1 + 1", "warm-up", CancellationToken.None));
        formatters.GetAwaiter().GetResult();
    }

    private void PrepareFormatters()
    {
        if (Options.InstallFormatters)
        {
            NotebookExtension.Install();
        }

        MimeBundles.RegisterText();
        MimeBundles.From(2);
    }
}

/// <summary>How a C# session is set up.</summary>
internal sealed record CSharpSessionOptions
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
