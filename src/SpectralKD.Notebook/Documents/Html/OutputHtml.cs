using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents.Html.Tex;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>Shows a cell's outputs, each in the richest of its representations.</summary>
internal sealed class OutputHtml(InlineImages images)
{
    /// <summary>The MIME type of a Plotly figure in JSON.</summary>
    public const string PlotlyMime = "application/vnd.plotly.v1+json";

    private static readonly string[] RichestFirst =
    [
        PlotlyMime, "text/html", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp", "text/markdown", "text/latex",
        "application/javascript", "application/json", "text/plain",
    ];

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>True once a Plotly figure was written: the page then needs plotly.js.</summary>
    public bool NeedsPlotly { get; private set; }

    public void Append(StringBuilder html, JsonObject output)
    {
        html.Append(Text(output["output_type"]) switch
        {
            "stream" => Stream(output),
            "error" => Error(output),
            _ => output["data"] is JsonObject data ? Rich(data) : "",
        });
        html.Append('\n');
    }

    private static string Stream(JsonObject output)
    {
        var kind = Text(output["name"]) == "stderr" ? "stderr" : "stdout";
        return $"<pre class=\"output {kind}\">{AnsiText.ToHtml(Text(output["text"]))}</pre>";
    }

    private static string Error(JsonObject output)
    {
        var headline = $"{Text(output["ename"])}: {Text(output["evalue"])}";
        var traceback = output["traceback"] is JsonArray lines ? string.Join('\n', lines.Select(Text)).TrimEnd() : "";
        var shown = traceback.Contains(Text(output["evalue"]), StringComparison.Ordinal) ? traceback : $"{headline}\n{traceback}".TrimEnd();
        return $"<pre class=\"output error\">{AnsiText.ToHtml(shown)}</pre>";
    }

    private string Rich(JsonObject data)
    {
        var mimeType = RichestFirst.FirstOrDefault(data.ContainsKey) ?? data.FirstOrDefault().Key;
        var content = mimeType is null ? null : data[mimeType];
        return mimeType switch
        {
            null => "",
            PlotlyMime => Plotly(content!),
            "text/html" => Html(Text(content)),
            "image/svg+xml" => $"<div class=\"output image\">{WithoutProlog(Text(content))}</div>",
            "text/markdown" => $"<div class=\"output text\">{images.Apply(MarkdownText.ToHtml(Text(content)), null)}</div>",
            "text/latex" => $"<div class=\"output text\">{Latex(Text(content))}</div>",
            "application/javascript" => $"<script>(() => {{ {Text(content)}\n}})();</script>",
            "text/plain" => $"<pre class=\"output plain\">{AnsiText.ToHtml(Text(content))}</pre>",
            _ when mimeType.StartsWith("image/", StringComparison.Ordinal) => Image(mimeType, Text(content)),
            _ => $"<pre class=\"output plain\">{WebUtility.HtmlEncode(content?.ToJsonString(Indented))}</pre>",
        };
    }

    private string Plotly(JsonNode figure)
    {
        NeedsPlotly = true;
        // .NET Interactive's Jupyter mode wrote the figure as a string that holds JSON.
        var json = figure.GetValueKind() == JsonValueKind.String ? figure.GetValue<string>() : figure.ToJsonString();
        return $"<div class=\"output chart\"><script type=\"application/json\">{json.Replace("</", "<\\/", StringComparison.Ordinal)}</script></div>";
    }

    // A whole document (with its own styles and scripts) gets a frame of its own; a fragment is part of the page.
    private string Html(string html)
    {
        var start = html.AsSpan().TrimStart();
        return start.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            ? $"<iframe class=\"output\" sandbox=\"allow-scripts\" srcdoc=\"{WebUtility.HtmlEncode(html)}\"></iframe>"
            : $"<div class=\"output html\">{images.Apply(html, null)}</div>";
    }

    private static string Image(string mimeType, string base64)
        => $"<div class=\"output image\"><img alt=\"output\" src=\"data:{mimeType};base64,{base64.ReplaceLineEndings("")}\"></div>";

    private static string WithoutProlog(string svg)
    {
        var start = svg.IndexOf("<svg", StringComparison.OrdinalIgnoreCase);
        return start > 0 ? svg[start..] : svg;
    }

    private static string Latex(string tex)
    {
        var bare = tex.Trim();
        return bare.StartsWith("$$", StringComparison.Ordinal) || !bare.StartsWith('$')
            ? TexMath.ToHtml(bare.Trim('$'), isDisplay: true)
            : TexMath.ToHtml(bare.Trim('$'), isDisplay: false);
    }

    private static string Text(JsonNode? node) => MultilineText.IsText(node) ? MultilineText.Join(node) : node?.ToJsonString() ?? "";
}
