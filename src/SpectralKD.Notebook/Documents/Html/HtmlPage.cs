using System.Globalization;
using System.Net;
using System.Text;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>
/// Writes a notebook as one HTML file that needs nothing else: images, styles and plotly.js are inside, mathematics is MathML, and it
/// follows the reader's light or dark setting.
/// </summary>
public static class HtmlPage
{
    /// <summary>Writes the page, all of it or nothing.</summary>
    /// <param name="notebook">The notebook; images that its text names are looked for beside <see cref="NotebookDocument.Path"/>.</param>
    /// <param name="path">The <c>.html</c> file; its folder is made where missing.</param>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public static void Write(NotebookDocument notebook, string path) => AtomicFile.WriteText(path, Render(notebook));

    /// <summary>The page's HTML.</summary>
    /// <param name="notebook">The notebook.</param>
    public static string Render(NotebookDocument notebook)
    {
        var folder = notebook.Path is null ? null : Path.GetDirectoryName(Path.GetFullPath(notebook.Path));
        var images = new InlineImages(folder);
        var outputs = new OutputHtml(images);
        var cells = new CellHtml(notebook, images, outputs);
        var body = new StringBuilder();
        foreach (var cell in notebook.Cells)
        {
            cells.Append(body, cell);
        }
        return Page(Title(notebook), body, Footer(notebook), outputs.NeedsPlotly);
    }

    private static string Page(string title, StringBuilder body, string footer, bool needsPlotly) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="SpectralKD.Interactive">
        <title>{WebUtility.HtmlEncode(title)}</title>
        <style>
        {PageStyle.Css}
        </style>
        </head>
        <body>
        <main>
        {body}</main>
        {footer}
        {(needsPlotly ? $"<script>{PlotlyCode.Library}</script>\n<script>{PlotlyCode.DrawAll}</script>" : "")}
        </body>
        </html>

        """;

    private static string Title(NotebookDocument notebook)
        => notebook.Cells.Where(cell => cell.Kind == CellKind.Markdown).Select(cell => MarkdownText.FirstHeading(cell.Source)).FirstOrDefault(title => title is not null)
            ?? (notebook.Path is null ? "Notebook" : Path.GetFileNameWithoutExtension(notebook.Path));

    private static string Footer(NotebookDocument notebook)
    {
        if (notebook.Metadata["papermill"] is not System.Text.Json.Nodes.JsonObject run || run["end_time"] is not { } end || run["duration"] is not { } duration)
        {
            return "";
        }
        var seconds = double.Parse(duration.ToJsonString(), CultureInfo.InvariantCulture);
        var time = end.GetValue<string>().Split('.')[0].Replace('T', ' ');
        return string.Create(CultureInfo.InvariantCulture, $"<footer>Executed {time} UTC in {seconds:0.0} s with SpectralKD.Interactive.</footer>");
    }
}
