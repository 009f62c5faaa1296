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

/// <summary>How a cell ended.</summary>
/// <param name="Error">Null where it succeeded.</param>
internal sealed record CellResult(CellError? Error)
{
    /// <summary>True where the cell ran to its end.</summary>
    public bool Succeeded => Error is null;
}
