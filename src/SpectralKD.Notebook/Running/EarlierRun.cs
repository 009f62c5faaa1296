using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Running;

/// <summary>Takes the traces of an earlier run out of a notebook: outputs, counts and error banners.</summary>
internal static class EarlierRun
{
    public static void Clear(NotebookDocument notebook)
    {
        foreach (var banner in notebook.Cells.Where(cell => cell.Tags.Contains(ErrorBanner.Tag)).ToList())
        {
            notebook.Remove(banner);
        }
        foreach (var cell in notebook.Cells.Where(cell => cell.Kind == CellKind.Code))
        {
            cell.Outputs = [];
            cell.ExecutionCount = null;
        }
    }
}
