namespace SpectralKD.Notebook.Session;

/// <summary>How a cell ended.</summary>
/// <param name="Error">Null where it succeeded.</param>
public sealed record CellResult(CellError? Error)
{
    /// <summary>True where the cell ran to its end.</summary>
    public bool Succeeded => Error is null;
}

/// <summary>Why a cell failed, in the parts that Jupyter's <c>error</c> message has.</summary>
/// <param name="Name">Exception type's short name; <c>CompilationError</c>, <c>SpectralKDError</c> or <c>Interrupted</c> for the host's own.</param>
/// <param name="Message">One line.</param>
/// <param name="Traceback">Lines to show: source lines with their column for compile errors, the user's frames for exceptions.</param>
public sealed record CellError(string Name, string Message, IReadOnlyList<string> Traceback);
