using System.Globalization;
using System.Net;
using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Running;

/// <summary>Marks a failed notebook: a banner at the top that leads to the cell, and one above the cell. The tag is papermill's.</summary>
internal static class ErrorBanner
{
    public const string Tag = "papermill-error-cell-tag";

    private const string Style = "color:#c62828; font-size:1.4em; font-weight:600;";

    public static void Add(NotebookDocument notebook, NotebookCell failed, RunFailure failure)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"In&nbsp;[{failure.ExecutionCount}]");
        var what = failure.Cancelled ? "This run was stopped" : "This run failed";
        var above = $"<span id=\"papermill-error-cell\" style=\"{Style}\">{what} here; the cells below were not executed.</span>";
        var top = $"<span style=\"{Style}\">{what} at <a href=\"#papermill-error-cell\">{label}</a>: "
            + $"{WebUtility.HtmlEncode(failure.Error.Message.ReplaceLineEndings(" "))}</span>";
        notebook.Insert(notebook.Cells.ToList().IndexOf(failed), NotebookCell.Markdown(above, Tag));
        notebook.Insert(0, NotebookCell.Markdown(top, Tag));
    }
}
