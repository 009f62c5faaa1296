using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// Shows a cell's outputs, each in the richest of its representations. Those that are not trusted (with <paramref name="safe"/>) lose what could
/// run: HTML is cleaned, SVG becomes a picture, JavaScript is shown as text.
/// </summary>
internal sealed partial class OutputHtml(InlineImages images, SafeHtml? safe)
{
    /// <summary>The MIME type of a Plotly figure in JSON.</summary>
    public const string PlotlyMime = "application/vnd.plotly.v1+json";

    private static readonly string[] RichestFirst =
    [
        PlotlyMime, "text/html", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp", "text/markdown", "text/latex",
        "application/javascript", "application/json", "text/plain",
    ];

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
        return $"<pre class=\"output {kind}\">{ConsoleText.ToHtml(Text(output["text"]))}</pre>";
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
            "image/svg+xml" when safe is not null => Image(mimeType, Convert.ToBase64String(Encoding.UTF8.GetBytes(Text(content)))),
            "image/svg+xml" => $"<div class=\"output image\">{WithoutProlog(Text(content))}</div>",
            "text/markdown" => $"<div class=\"output text\">{images.Apply(MarkdownText.ToHtml(Text(content), safe), null)}</div>",
            "text/latex" => $"<div class=\"output text\">{Latex(Text(content))}</div>",
            "application/javascript" when safe is not null => $"<pre class=\"output plain\">{WebUtility.HtmlEncode(Text(content))}</pre>",
            "application/javascript" => $"<script>(() => {{ {Text(content)}\n}})();</script>",
            "text/plain" => $"<pre class=\"output plain\">{ConsoleText.ToHtml(Text(content))}</pre>",
            _ when mimeType.StartsWith("image/", StringComparison.Ordinal) => Image(mimeType, Text(content)),
            _ => $"<pre class=\"output plain\">{WebUtility.HtmlEncode(PythonJson.Write(content).TrimEnd())}</pre>",
        };
    }

    private string Plotly(JsonNode figure)
    {
        NeedsPlotly = true;
        // .NET Interactive's Jupyter mode wrote the figure as a string that holds JSON.
        var json = figure.GetValueKind() == JsonValueKind.String ? figure.GetValue<string>() : (HasGaps(figure) ? WithGaps(figure)! : figure).ToJsonString();
        return $"<div class=\"output chart\"><script type=\"application/json\">{json.Replace("<", "\\u003c", StringComparison.Ordinal)}</script></div>";
    }

    // A whole document (with its own styles and scripts) gets a frame of its own; a fragment is part of the page.
    private string Html(string html)
    {
        var start = html.AsSpan().TrimStart();
        if (start.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || start.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
        {
            return $"<iframe class=\"output\" sandbox=\"{(safe is null ? "allow-scripts" : "")}\" srcdoc=\"{WebUtility.HtmlEncode(html)}\"></iframe>";
        }
        var shown = safe is null ? html : safe.Clean(html);
        shown = shown is null || HasCode().IsMatch(shown) ? shown : ConsoleText.Unparted(shown);
        return shown is null
            ? $"<pre class=\"output plain\">{WebUtility.HtmlEncode(html)}</pre>"
            : $"<div class=\"output html\">{images.Apply(shown, null)}</div>";
    }

    [GeneratedRegex("<(script|style|pre|code)", RegexOptions.IgnoreCase)]
    private static partial Regex HasCode();

    // JSON has no NaN and no Infinity; null is what Plotly draws as a gap.
    private static JsonNode? WithGaps(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, WithGaps(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(WithGaps)]),
        _ => IsGap(node) ? null : node?.DeepClone(),
    };

    private static bool HasGaps(JsonNode? node) => node switch
    {
        JsonObject members => members.Any(member => HasGaps(member.Value)),
        JsonArray items => items.Any(HasGaps),
        _ => IsGap(node),
    };

    private static bool IsGap(JsonNode? node)
        => node is JsonValue value && !value.TryGetValue<JsonElement>(out _) && value.TryGetValue<double>(out var number) && !double.IsFinite(number);

    private static string Image(string mimeType, string base64)
        => $"<div class=\"output image\"><img alt=\"output\" src=\"{WebUtility.HtmlEncode($"data:{mimeType};base64,{base64.ReplaceLineEndings("")}")}\"></div>";

    private static string WithoutProlog(string svg)
    {
        var start = svg.IndexOf("<svg", StringComparison.OrdinalIgnoreCase);
        return start > 0 ? svg[start..] : svg;
    }

    private static string Latex(string tex)
    {
        var bare = tex.Trim();
        return bare.StartsWith("$$", StringComparison.Ordinal) || !bare.StartsWith('$')
            ? Formula.ToHtml(bare.Trim('$'), isDisplay: true)
            : Formula.ToHtml(bare.Trim('$'), isDisplay: false);
    }

    private static string Text(JsonNode? node) => MultilineText.IsText(node) ? MultilineText.Join(node) : (node is null ? "" : PythonJson.Write(node).TrimEnd());
}

/// <summary>The JavaScript that draws Plotly figures in a page: plotly.js once, and what calls it.</summary>
internal static class PlotlyCode
{
    /// <summary>plotly.js itself.</summary>
    public static string Library => PlotlyScript.Source;

    /// <summary>Draws every figure, in the colours of the reader's setting unless the figure has its own, and again when that changes.</summary>
    public const string DrawAll = """
        (settings => {
          const dark = matchMedia('(prefers-color-scheme: dark)');
          const printing = matchMedia('print');
          const themed = figure => {
            const result = dark.matches && !printing.matches ? darkFigure(figure) : figure;
            const layout = { ...result.layout, autosize: true };
            delete layout.width;
            return { data: result.data || [], layout };
          };
          const charts = [...document.querySelectorAll('.chart')].map(holder => {
            const figure = JSON.parse(holder.querySelector('script').textContent);
            const target = document.createElement('div');
            target.style.minHeight = ((figure.layout && figure.layout.height) || 450) + 'px';
            holder.append(target);
            if (figure.layout && figure.layout.width && figure.layout.width > 300) target.style.maxWidth = Math.max(figure.layout.width, 640) + 'px';
            return { target, figure };
          });
          const config = figure => ({ ...(figure.config || {}), ...settings });
          const draw = () => charts.forEach(({ target, figure }) => {
            const { data, layout } = narrowFigure(themed(figure), target.clientWidth);
            Plotly.react(target, data, layout, config(figure)).then(() => {
              if (figure.frames && figure.frames.length && !target.dataset.frames) {
                target.dataset.frames = 'added';
                Plotly.addFrames(target, figure.frames);
              }
            });
          });
          draw();
          dark.addEventListener('change', draw);
          printing.addEventListener('change', draw);
          let width = innerWidth;
          addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
        })(
        """ + ChartHtml.Config + ");\n" + DarkFigure.Function + "\n" + NarrowFigure.Function;
}
