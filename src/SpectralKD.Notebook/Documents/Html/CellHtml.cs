using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents.Html;

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
        => Seconds((cell.Metadata["papermill"] as JsonObject)?["duration"]) is double seconds and >= 0.1 ? $"<span class=\"time\">{Readable(seconds)}</span>" : "";

    private static string Readable(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60} min {(int)seconds % 60} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 3600} h {(int)seconds / 60 % 60} min"),
    };
}
