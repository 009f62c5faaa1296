using System.Globalization;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Session;

/// <summary>What the cells of a session have in common while they run.</summary>
/// <param name="options">How the session was set up.</param>
internal sealed class SessionState(CSharpSessionOptions options)
{
    private CultureInfo? _culture;
    private CultureInfo? _uiCulture;

    /// <summary>How the session was set up.</summary>
    public CSharpSessionOptions Options => options;

    /// <summary>The passwords that were typed so far.</summary>
    public HiddenTexts Hidden { get; } = new();

    /// <summary>Remembers what a cell has made the current culture; null for what it leaves.</summary>
    public void KeepCulture(CultureInfo? culture, CultureInfo? uiCulture)
        => (_culture, _uiCulture) = (culture ?? _culture, uiCulture ?? _uiCulture);

    /// <summary>Makes the cultures that cells have set the caller's.</summary>
    public void ApplyCulture()
    {
        CultureInfo.CurrentCulture = _culture ?? CultureInfo.CurrentCulture;
        CultureInfo.CurrentUICulture = _uiCulture ?? CultureInfo.CurrentUICulture;
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

/// <summary>
/// A question that a running cell asks through <c>Console.ReadLine</c>, <c>GetInputAsync</c>, <c>GetPasswordAsync</c>, or <c>@input</c> and <c>@password</c> on a
/// magic line.
/// </summary>
/// <param name="Prompt">The question; empty for <c>Console.ReadLine</c>, whose question the cell has written before.</param>
/// <param name="IsPassword">True where the answer is not to be shown.</param>
/// <param name="Variable">The variable that <c>#!set</c> or <c>#!value</c> puts the answer into; empty where there is none.</param>
internal sealed record InputRequest(string Prompt, bool IsPassword, string Variable = "")
{
    /// <summary>How it can be answered where nobody is asked: by a parameter of its variable's name, or by making it ask for one.</summary>
    public string OtherWay => Variable.Length > 0
        ? $"give the value as a parameter: --parameter {Variable}=…"
        : "ask by #!set --name x --value @input:\"Question?\" and use @x, which a parameter x answers";
}

/// <summary>The passwords that were typed in a session: its errors and its shells' output show stars in their place.</summary>
internal sealed class HiddenTexts
{
    /// <summary>What is shown in place of a password, of any.</summary>
    public const string Stars = "************";

    private readonly HashSet<string> _texts = [];

    /// <summary>Hides a text from now on. Empty ones are none.</summary>
    public void Add(string text)
    {
        lock (_texts)
        {
            if (text.Length > 0)
            {
                _texts.Add(text);
            }
        }
    }

    /// <summary>A text with stars in place of what is hidden, where it stands as a word of its own: a short password may be a part of many a word.</summary>
    public string Mask(string text)
    {
        lock (_texts)
        {
            return _texts.Aggregate(text, (masked, hidden) => masked.Contains(hidden, StringComparison.Ordinal)
                ? Regex.Replace(masked, $@"(?<!\w){Regex.Escape(hidden)}(?!\w)", Stars)
                : masked);
        }
    }

    /// <summary>How many characters at the end of a text may go on as something that is hidden, or as another text: where one comes in pieces, they have to be seen together.</summary>
    public int BegunAtEndOf(string text, string other)
    {
        lock (_texts)
        {
            return _texts.Append(other).Max(hidden => Enumerable.Range(0, Math.Min(hidden.Length, text.Length) + 1)
                .Last(length => text.EndsWith(hidden[..length], StringComparison.Ordinal)));
        }
    }
}
