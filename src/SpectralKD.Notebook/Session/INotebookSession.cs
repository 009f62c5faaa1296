namespace SpectralKD.Notebook.Session;

/// <summary>A C# notebook session: what the runner and the Jupyter kernel drive, one cell at a time.</summary>
public interface INotebookSession : IAsyncDisposable
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
public sealed record CodeCompleteness(string Status, string Indent = "");

/// <summary>Completion proposals that replace <c>[Start, End)</c> of the code.</summary>
/// <param name="Start">First replaced position, UTF-16 code units.</param>
/// <param name="End">Position after the last replaced one.</param>
/// <param name="Items">The proposals, best first.</param>
public sealed record Completions(int Start, int End, IReadOnlyList<CompletionProposal> Items);

/// <summary>One completion proposal.</summary>
/// <param name="Text">What is inserted.</param>
/// <param name="Kind">Jupyter's experimental type: <c>function</c>, <c>class</c>, <c>property</c>, <c>keyword</c>, <c>magic</c>, …</param>
/// <param name="Signature">Signature or description, one line; may be empty.</param>
public sealed record CompletionProposal(string Text, string Kind, string Signature = "");
