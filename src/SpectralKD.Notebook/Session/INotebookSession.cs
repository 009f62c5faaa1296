using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>A C# notebook session: what the runner and the Jupyter kernel drive, one cell at a time.</summary>
internal interface INotebookSession : IAsyncDisposable
{
    /// <summary>Runs one cell (C# and magic lines). Never throws for what the cell did: the result says it.</summary>
    /// <param name="code">The cell's source.</param>
    /// <param name="output">Receives everything the cell shows.</param>
    /// <param name="cancellationToken">Interrupts the cell; variables set so far are kept.</param>
    Task<CellResult> ExecuteAsync(string code, ICellOutput output, CancellationToken cancellationToken = default);

    /// <summary>Completions at a cursor position.</summary>
    /// <param name="code">The cell's source.</param>
    /// <param name="position">0-based cursor position in UTF-16 code units.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default);

    /// <summary>Signature and documentation of what stands at a cursor position; null where there is nothing to say.</summary>
    /// <param name="code">The cell's source.</param>
    /// <param name="position">0-based cursor position in UTF-16 code units.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken = default);

    /// <summary>Whether Enter should run the code: <c>complete</c>, <c>incomplete</c> or <c>invalid</c>.</summary>
    /// <param name="code">The cell's source.</param>
    CodeCompleteness IsComplete(string code);
}

/// <summary>Whether a piece of code is a whole submission.</summary>
/// <param name="Status"><c>complete</c>, <c>incomplete</c>, <c>invalid</c> or <c>unknown</c>.</param>
/// <param name="Indent">Indentation for the next line where incomplete.</param>
internal sealed record CodeCompleteness(string Status, string Indent = "");

/// <summary>Completion proposals that replace <c>[Start, End)</c> of the code.</summary>
/// <param name="Start">First replaced position, UTF-16 code units.</param>
/// <param name="End">Position after the last replaced one.</param>
/// <param name="Items">The proposals, best first.</param>
internal sealed record Completions(int Start, int End, IReadOnlyList<CompletionProposal> Items);

/// <summary>One completion proposal.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Kind">Jupyter's experimental type: <c>function</c>, <c>class</c>, <c>property</c>, <c>keyword</c>, <c>magic</c>, …</param>
/// <param name="Signature">Signature or description, one line; may be empty.</param>
internal sealed record CompletionProposal(string Text, string Kind, string Signature = "");

/// <summary>How a cell ended.</summary>
/// <param name="Error">Null where it succeeded.</param>
internal sealed record CellResult(CellError? Error)
{
    /// <summary>True where the cell ran to its end.</summary>
    public bool Succeeded => Error is null;
}

/// <summary>Why a cell failed, in the parts that Jupyter's <c>error</c> message has.</summary>
/// <param name="Name">Exception type's short name; <c>CompilationError</c>, <c>SpectralKDError</c> or <c>Interrupted</c> for the host's own.</param>
/// <param name="Message">One line.</param>
/// <param name="Traceback">Lines to show: source lines with their column for compile errors, the user's frames for exceptions.</param>
internal sealed record CellError(string Name, string Message, IReadOnlyList<string> Traceback);

/// <summary>
/// Where a running cell's output goes: the notebook runner collects it into the document, the Jupyter kernel sends it on iopub.
/// Calls may come from any thread.
/// </summary>
internal interface ICellOutput
{
    /// <summary>The cell's name in the front end, the same whenever it runs; null where that names none.</summary>
    string? CellId => null;

    /// <summary>Names of cells that were deleted since the last one ran.</summary>
    IReadOnlyList<string> DeletedCells => [];

    /// <summary>False where what is shown goes nowhere.</summary>
    bool IsSeen => true;

    /// <summary>Text written to the console.</summary>
    /// <param name="name"><c>stdout</c> or <c>stderr</c>.</param>
    /// <param name="text">The text as written, line ends included.</param>
    void Stream(string name, string text);

    /// <summary>Something displayed (Jupyter's <c>display_data</c>).</summary>
    /// <param name="data">The same value in several MIME types.</param>
    /// <param name="displayId">Identity for later updates.</param>
    void DisplayData(MimeBundle data, string displayId);

    /// <summary>Replaces what was displayed under an identity (<c>update_display_data</c>), also in earlier cells.</summary>
    void UpdateDisplayData(MimeBundle data, string displayId);

    /// <summary>The value of the cell's last expression (<c>execute_result</c>).</summary>
    void ExecuteResult(MimeBundle data);

    /// <summary>Clears the cell's output (<c>clear_output</c>).</summary>
    /// <param name="wait">True: only when the next output arrives.</param>
    void ClearOutput(bool wait);
}

/// <summary>
/// One value in several representations, by MIME type. Text types hold a JSON string, JSON types
/// (<c>application/json</c>, <c>application/vnd.plotly.v1+json</c>) the JSON value itself. <c>text/plain</c> is always there.
/// </summary>
/// <param name="Data">MIME type to content.</param>
internal sealed record MimeBundle(IReadOnlyDictionary<string, JsonNode> Data);

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
