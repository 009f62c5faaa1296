using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>
/// Writes a notebook as one HTML file that needs nothing else: images, styles, plotly.js and what draws formulas are inside, and it
/// follows the reader's light or dark setting.
/// </summary>
public static class HtmlPage
{
    /// <summary>Writes the page, all of it or nothing.</summary>
    /// <param name="notebook">The notebook; images that its text names are looked for beside <see cref="NotebookDocument.Path"/>.</param>
    /// <param name="path">The <c>.html</c> file; its folder is made where missing.</param>
    /// <param name="trust">What of the notebook may be live in the page.</param>
    /// <returns>What the page leaves out for want of trust, one line each.</returns>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public static IReadOnlyList<string> Write(NotebookDocument notebook, string path, PageTrust trust = PageTrust.Nothing)
    {
        var (html, notes) = RenderWithNotes(notebook, trust);
        AtomicFile.WriteText(path, html);
        return notes;
    }

    /// <summary>The page's HTML.</summary>
    /// <param name="notebook">The notebook.</param>
    /// <param name="trust">What of the notebook may be live in the page.</param>
    public static string Render(NotebookDocument notebook, PageTrust trust = PageTrust.Nothing) => RenderWithNotes(notebook, trust).Html;

    private static (string Html, IReadOnlyList<string> Notes) RenderWithNotes(NotebookDocument notebook, PageTrust trust)
    {
        var folder = notebook.Path is null ? null : Path.GetDirectoryName(Path.GetFullPath(notebook.Path));
        var safe = new SafeHtml();
        var confined = new InlineImages(folder, isConfined: true);
        var free = new InlineImages(folder, isConfined: false);
        var outputs = trust == PageTrust.Nothing ? new OutputHtml(confined, safe) : new OutputHtml(free, null);
        var cells = trust == PageTrust.Everything ? new CellHtml(notebook, free, null, outputs) : new CellHtml(notebook, confined, safe, outputs);
        var leftOut = new PageOmissions(safe, confined);
        var body = new StringBuilder();
        for (var index = 0; index < notebook.Cells.Count; index++)
        {
            cells.Append(body, notebook.Cells[index]);
            leftOut.Note(index + 1);
        }
        return (Page(Title(notebook), body.ToString(), Footer(notebook), outputs.NeedsPlotly), leftOut.Lines());
    }

    private static string Page(string title, string body, string footer, bool needsPlotly) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="SpectralKD.Interactive">
        <title>{WebUtility.HtmlEncode(title)}</title>
        <style>
        {PageStyle.Css}{(Formula.IsIn(body) ? Formula.Style : "")}
        </style>
        </head>
        <body>
        <main>
        {body}</main>
        {footer}
        {(Formula.IsIn(body) ? Formula.Scripts : "")}
        {(needsPlotly ? $"<script>{PlotlyCode.Library}</script>\n<script>{PlotlyCode.DrawAll}</script>" : "")}
        </body>
        </html>

        """;

    private static string Title(NotebookDocument notebook)
        => notebook.Cells.Where(cell => cell.Kind == CellKind.Markdown).Select(cell => MarkdownText.FirstHeading(cell.Source)).FirstOrDefault(title => title is not null)
            ?? (notebook.Path is null ? "Notebook" : Path.GetFileNameWithoutExtension(notebook.Path));

    private static string Footer(NotebookDocument notebook)
    {
        if (notebook.Metadata["papermill"] is not JsonObject run || Text(run["end_time"]) is not string end || CellHtml.Seconds(run["duration"]) is not double seconds)
        {
            return "";
        }
        var time = WebUtility.HtmlEncode(end.Split('.')[0].Replace('T', ' '));
        return string.Create(CultureInfo.InvariantCulture, $"<footer>Executed {time} UTC in {seconds:0.0} s with SpectralKD.Interactive.</footer>");
    }

    private static string? Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
}

/// <summary>What a page leaves out of a notebook for want of trust, by cell.</summary>
internal sealed class PageOmissions(SafeHtml safe, InlineImages images)
{
    private const int MostShown = 6;
    private readonly List<string> _live = [];
    private readonly List<string> _outside = [];

    public void Note(int cell)
    {
        _live.AddRange(safe.TakeRemoved().Select(what => $"{what} (cell {cell})"));
        _outside.AddRange(images.TakeOutside().Select(what => $"{what} (cell {cell})"));
    }

    public IReadOnlyList<string> Lines()
    {
        var lines = new List<string>();
        if (_live.Count > 0)
        {
            lines.Add($"the page leaves out what could run in the notebook's text: {Some(_live)}; --trust keeps it");
        }
        if (_outside.Count > 0)
        {
            lines.Add($"images outside the notebook's folder stay links in the page: {Some(_outside)}; --trust puts them in");
        }
        return lines;
    }

    private static string Some(List<string> all)
        => string.Join(", ", all.Take(MostShown)) + (all.Count > MostShown ? $" and {all.Count - MostShown} more" : "");
}
