using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// Writes a notebook as one HTML file that needs nothing else: images, styles, plotly.js and what draws formulas are inside, and it
/// follows the reader's light or dark setting.
/// </summary>
internal static class HtmlPage
{
    /// <summary>What the head of every page holds.</summary>
    public const string Generator = """<meta name="generator" content="SpectralKD.Interactive">""";

    /// <summary>Writes the page, all of it or nothing. Pages of its folder whose links lead to the notebook are changed to lead to the page.</summary>
    /// <param name="notebook">The notebook; what its text names is looked for beside <see cref="NotebookDocument.Path"/>.</param>
    /// <param name="path">The <c>.html</c> file; its folder is made where missing.</param>
    /// <param name="trust">What of the notebook may be live in the page.</param>
    /// <returns>What the page leaves out for want of trust, one line each.</returns>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public static IReadOnlyList<string> Write(NotebookDocument notebook, string path, PageTrust trust = PageTrust.Nothing)
    {
        path = Path.GetFullPath(path);
        var (html, notes) = RenderWithNotes(notebook, trust, path);
        AtomicFile.WriteText(path, html);
        if (notebook.Path is not null)
        {
            PageLinks.LeadHere(Path.GetFullPath(notebook.Path), path);
        }

        return notes;
    }

    /// <summary>The page's HTML.</summary>
    /// <param name="notebook">The notebook.</param>
    /// <param name="trust">What of the notebook may be live in the page.</param>
    public static string Render(NotebookDocument notebook, PageTrust trust = PageTrust.Nothing) => RenderWithNotes(notebook, trust, null).Html;

    private static (string Html, IReadOnlyList<string> Notes) RenderWithNotes(NotebookDocument notebook, PageTrust trust, string? page)
    {
        var folder = notebook.Path is null ? null : Path.GetDirectoryName(Path.GetFullPath(notebook.Path));
        var safe = new SafeHtml();
        var links = new PageLinks(folder, page);
        var confined = new InlineImages(folder, isConfined: true, links);
        var free = new InlineImages(folder, isConfined: false, links);
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
        {Generator}
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
        return string.Create(CultureInfo.InvariantCulture, $"<footer>Executed {time} UTC in {Durations.Text(seconds)} with SpectralKD.Interactive.</footer>");
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

/// <summary>
/// What of a notebook may be live in its page. The rest is shown without scripts, event handlers, <c>javascript:</c> links, frames and the
/// like, and gets no image from outside the notebook's folder.
/// </summary>
internal enum PageTrust
{
    /// <summary>Nothing: a notebook of somebody else with the outputs that it came with, as Jupyter shows one that is not trusted.</summary>
    Nothing,

    /// <summary>The outputs, since the cells were executed just now; not the text.</summary>
    Outputs,

    /// <summary>Text and outputs.</summary>
    Everything,
}

/// <summary>The page's look: prose in a readable column, code and outputs as wide as the window, light and dark, good on paper.</summary>
internal static class PageStyle
{
    public const string Css = """
        :root {
          --page: #ffffff; --text: #24292f; --faint: #6b7280; --line: #e3e6ea; --code: #f6f8fa; --accent: #2457c5;
          --error: #b42318; --error-page: #fef3f2; --stripe: #24304808; --shade: #0003;
          --c-keyword: #0033b3; --c-string: #067d17; --c-number: #1750eb; --c-comment: #7a8190; --c-type: #8a4b00; --c-method: #7a3e9d;
          --c-magic: #b3005e;
          --ansi-0: #24292f; --ansi-1: #c4302b; --ansi-2: #17803d; --ansi-3: #946200; --ansi-4: #1f5fd0; --ansi-5: #8b3fc0; --ansi-6: #0b7a85;
          --ansi-7: #6e7781; --ansi-8: #57606a; --ansi-9: #e5484d; --ansi-10: #2da44e; --ansi-11: #b98900; --ansi-12: #3b82f6;
          --ansi-13: #a855f7; --ansi-14: #1b9aaa; --ansi-15: #8c959f;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --page: #15181e; --text: #d7dae0; --faint: #8e96a3; --line: #2c313a; --code: #1d2129; --accent: #82aaff;
            --error: #ff8a80; --error-page: #2b1a1b; --stripe: #ffffff08; --shade: #000a;
            --c-keyword: #82aaff; --c-string: #9bd08c; --c-number: #f2a36b; --c-comment: #7d8696; --c-type: #e6c07b; --c-method: #c99bf2;
            --c-magic: #ff8fc7;
            --ansi-0: #c3c8d1; --ansi-1: #ff7b72; --ansi-2: #6fcf84; --ansi-3: #e3b341; --ansi-4: #79b0ff; --ansi-5: #d2a8ff; --ansi-6: #62cfdb;
            --ansi-7: #c3c8d1; --ansi-8: #8e96a3; --ansi-9: #ffa198; --ansi-10: #8fe0a0; --ansi-11: #f0cd6b; --ansi-12: #a5caff;
            --ansi-13: #e2c5ff; --ansi-14: #8fe3ec; --ansi-15: #ffffff;
          }
        }
        * { box-sizing: border-box; }
        html { color-scheme: light dark; }
        body {
          margin: 0; background: var(--page); color: var(--text);
          font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
        }
        main { max-width: 88rem; margin: 0 auto; padding: 2.5rem 1.5rem 1rem; }
        .text > :not(h1, h2) { max-width: 58rem; }
        footer { max-width: 88rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; color: var(--faint); font-size: .8rem; }
        a { color: var(--accent); }
        h1, h2, h3, h4 { line-height: 1.25; margin: 1.6em 0 .6em; }
        h1 { font-size: 2rem; margin-top: 0; }
        h2 { font-size: 1.45rem; padding-bottom: .3em; border-bottom: 1px solid var(--line); }
        h3 { font-size: 1.15rem; }
        p, ul, ol, blockquote { margin: .8em 0; }
        .contains-task-list { list-style: none; padding-left: 1.2em; }
        blockquote { padding: .1em 1em; border-left: 3px solid var(--line); color: var(--faint); }
        img, svg { max-width: 100%; height: auto; }
        code, pre { font-family: ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
        pre { margin: 0; font-size: .84rem; line-height: 1.5; white-space: pre-wrap; overflow-wrap: anywhere; }
        .text code { font-size: .88em; background: var(--code); padding: .12em .35em; border-radius: 4px; overflow-wrap: anywhere; }
        .text td code { overflow-wrap: break-word; }
        .text pre { background: var(--code); padding: .8rem 1rem; border-radius: 8px; }
        .text pre code { background: none; padding: 0; font-size: 1em; }
        .cell.code { margin: 1.2rem 0; }
        .input { background: var(--code); border: 1px solid var(--line); border-radius: 8px; }
        .input pre { padding: 0 1rem .75rem; }
        .label { padding: .25rem .7rem .1rem; text-align: right; font-size: .7rem; line-height: 1.4; color: var(--faint); user-select: none; }
        .label .time { margin-left: .6rem; }
        details > summary { cursor: pointer; color: var(--faint); font-size: .8rem; }
        .failed .input { border-color: var(--error); }
        .outputs { margin-top: .6rem; }
        .output { display: block; margin: .4rem 0; padding: 0 .2rem; overflow-x: auto; }
        .output.stderr { color: var(--faint); border-left: 3px solid var(--line); padding-left: .8rem; }
        .output.error { color: var(--error); background: var(--error-page); border-left: 3px solid var(--error); padding: .7rem 1rem; white-space: pre-wrap; }
        .output.html, .output.text, .output.html .skd-scroll, .columns, .text table {
          background: linear-gradient(to right, var(--page) 40%, transparent) left / 2.5rem 100% local, linear-gradient(to left, var(--page) 40%, transparent) right / 2.5rem 100% local,
            linear-gradient(to right, var(--shade), transparent) left / .8rem 100% scroll, linear-gradient(to left, var(--shade), transparent) right / .8rem 100% scroll;
          background-repeat: no-repeat;
        }
        .output.chart { overflow: visible; overflow-x: clip; }
        iframe.output { width: 100%; height: 30rem; border: 1px solid var(--line); border-radius: 8px; background: #fff; }
        .banner { background: var(--error-page); border-left: 4px solid var(--error); padding: .2rem 1rem; border-radius: 4px; margin-bottom: 1.2rem; }
        .banner p { margin: .5em 0; }
        .banner span { font-size: 1rem !important; color: var(--error) !important; }
        table { border-collapse: collapse; font-size: .86rem; margin: .6rem 0; font-variant-numeric: tabular-nums; }
        th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
        thead th { border-bottom: 2px solid var(--line); white-space: nowrap; }
        tbody tr:nth-child(even) { background: var(--stripe); }
        .output.html table { width: auto; }
        .text table { display: block; width: fit-content; max-width: 100%; overflow-x: auto; }
        .columns { display: block; white-space: pre; overflow-x: auto; }
        td pre { white-space: pre; }
        .text :has(> math[display="block"]) { overflow-x: auto; }
        main math { font-family: "Latin Modern Math", "Cambria Math", "STIX Two Math", "TeX Gyre DejaVu Math", "DejaVu Math TeX Gyre", "Noto Sans Math", math; font-size: 1.08em; }
        main math mo.tml-prime, main math .mathscr { font-family: inherit; }
        math[display="block"] { margin: .9em 0; }
        .text code.tex-source { background: none; padding: 0; white-space: pre-wrap; }
        .text code.tex-source.display { display: block; margin: .9em 0; text-align: center; }
        .c-keyword { color: var(--c-keyword); } .c-string { color: var(--c-string); } .c-number { color: var(--c-number); }
        .c-comment { color: var(--c-comment); font-style: italic; } .c-type { color: var(--c-type); } .c-method { color: var(--c-method); }
        .c-magic { color: var(--c-magic); font-weight: 600; } .c-attr { color: var(--c-method); } .c-var { color: var(--c-number); }
        @media (max-width: 40rem) { main { padding: 1.2rem .9rem; } body { font-size: 15px; } .output.html td:last-child { min-width: 9rem; } }
        @media print {
          main { max-width: none; padding: 0; }
          .text > * { max-width: none; }
          .columns { white-space: pre-wrap; }
          .input, .output, figure, table { break-inside: avoid; }
          h1, h2, h3 { break-after: avoid; }
          a { color: inherit; }
        }
        """;
}

/// <summary>Shows one cell: text as text, code coloured and with its outputs.</summary>
internal sealed class CellHtml(NotebookDocument notebook, InlineImages images, SafeHtml? safe, OutputHtml outputs)
{
    public void Append(StringBuilder html, NotebookCell cell)
    {
        switch (cell.Kind)
        {
            case CellKind.Markdown:
                AppendMarkdown(html, cell);
                break;
            case CellKind.Code:
                AppendCode(html, cell);
                break;
        }
    }

    private void AppendMarkdown(StringBuilder html, NotebookCell cell)
    {
        var isBanner = cell.Tags.Contains("papermill-error-cell-tag");
        var text = images.Apply(MarkdownText.ToHtml(cell.Source, safe), cell.Json["attachments"] as JsonObject);
        html.Append(CultureInfo.InvariantCulture, $"<section class=\"cell text{(isBanner ? " banner" : "")}\">\n{text}</section>\n");
    }

    private void AppendCode(StringBuilder html, NotebookCell cell)
    {
        if (string.IsNullOrWhiteSpace(cell.Source) && cell.Outputs.Count == 0)
        {
            return;
        }
        var failed = cell.Outputs.Any(output => output?["output_type"]?.GetValueKind() == JsonValueKind.String && output["output_type"]!.GetValue<string>() == "error");
        html.Append(CultureInfo.InvariantCulture, $"<section class=\"cell code{(failed ? " failed" : "")}\">\n");
        AppendInput(html, cell);
        if (cell.Outputs.Count > 0)
        {
            html.Append("<div class=\"outputs\">\n");
            foreach (var output in cell.Outputs)
            {
                outputs.Append(html, (JsonObject)output!);
            }
            html.Append("</div>\n");
        }
        html.Append("</section>\n");
    }

    private void AppendInput(StringBuilder html, NotebookCell cell)
    {
        if (cell.Tags.Contains("remove-input"))
        {
            return;
        }
        var language = CellLanguage.Of(cell, notebook);
        var source = language == "csharp" ? CSharpHighlighter.ToHtml(cell.Source) : WebUtility.HtmlEncode(cell.Source);
        var code = $"<pre><code>{source}</code></pre>";
        var label = cell.ExecutionCount is int count ? $"<span class=\"count\">[{count}]</span>" : "<span class=\"count\">[ ]</span>";
        var input = $"<div class=\"input\"><div class=\"label\">{label}{Duration(cell)}</div>{code}</div>\n";
        html.Append(IsFolded(cell) ? $"<details><summary>{label} code</summary>{input}</details>\n" : input);
    }

    private static bool IsFolded(NotebookCell cell) => cell.Tags.Contains("hide-input")
        || (cell.Metadata["jupyter"] as JsonObject)?["source_hidden"]?.GetValueKind() == JsonValueKind.True;

    /// <summary>A duration as papermill stores it; null where there is none that makes sense.</summary>
    public static double? Seconds(JsonNode? duration) => duration?.GetValueKind() == JsonValueKind.Number
        && duration.AsValue().TryGetValue<double>(out var seconds) && double.IsFinite(seconds) && seconds >= 0 ? seconds : null;

    private static string Duration(NotebookCell cell)
        => Seconds((cell.Metadata["papermill"] as JsonObject)?["duration"]) is double seconds and >= 0.1 ? $"<span class=\"time\">{Durations.Text(seconds)}</span>" : "";
}
