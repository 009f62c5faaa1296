using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Running;

/// <summary>How a run ended. The executed notebook is there in every case.</summary>
/// <param name="NotebookPath">The executed notebook.</param>
/// <param name="HtmlPath">Its HTML page; null where none was asked for.</param>
/// <param name="Failure">The cell that failed or was stopped; null where all succeeded.</param>
/// <param name="Warnings">What the user should know, one line each.</param>
public sealed record RunResult(string NotebookPath, string? HtmlPath, RunFailure? Failure, IReadOnlyList<string> Warnings)
{
    /// <summary>True where every cell ran to its end.</summary>
    public bool Succeeded => Failure is null;
}

/// <summary>Where and why a run stopped.</summary>
/// <param name="ExecutionCount">The number in the cell's <c>In [n]</c>.</param>
/// <param name="Error">The cell's error.</param>
/// <param name="Cancelled">True where the run was stopped from outside.</param>
public sealed record RunFailure(int ExecutionCount, CellError Error, bool Cancelled);
