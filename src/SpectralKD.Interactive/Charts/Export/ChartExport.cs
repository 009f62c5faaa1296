using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Saves charts as files: .html by itself; .svg, .png and .pdf drawn by an installed Chromium, Chrome or Edge.</summary>
public static partial class ChartExport
{
    /// <summary>The endings that <see cref="Save"/> knows.</summary>
    public static IReadOnlyList<string> Formats { get; } = [".html", ".svg", ".png", ".pdf", ".json"];

    /// <summary>Saves a chart; the ending of the path says how. A file of that name is replaced.</summary>
    /// <param name="chart">The chart.</param>
    /// <param name="path">File to write: .html, .svg, .png, .pdf, or .json (the figure).</param>
    /// <param name="width">Width in pixels (of .svg, .png, .pdf), 100 to 10000.</param>
    /// <param name="height">Height in pixels; null takes the chart's own.</param>
    /// <param name="scale">Pixels of a .png for each pixel of the chart: 2 suits print at column width.</param>
    /// <exception cref="SpectralKDException">Another ending, a size out of range, no browser, or the file cannot be written.</exception>
    public static void Save(GenericChart chart, string path, int width = 900, int? height = null, double scale = 2)
    {
        if (width is < 100 or > 10_000 || height is < 100 or > 10_000 || scale is not (>= 0.1 and <= 10))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"a chart of {width} x {height} pixels at scale {scale} cannot be drawn: sides are 100 to 10000 pixels, the scale 0.1 to 10"));
        }

        var figure = ChartHtml.FigureJson(chart);
        var size = (width, height ?? FigureHeight.Of(figure));
        byte[] content = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".html" or ".htm" => Encoding.UTF8.GetBytes(ChartHtml.Page(ChartText.Of(chart), chart)),
            ".json" => Encoding.UTF8.GetBytes(figure),
            ".svg" => Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Image(figure, "svg", size, 1).Split(',', 2)[1])),
            ".png" => Convert.FromBase64String(Image(figure, "png", size, scale).Split(',', 2)[1]),
            ".pdf" => HeadlessBrowser.Pdf(ExportPage.Print(figure, size)),
            var other => throw new SpectralKDException($"a chart cannot be saved as \"{other}\": name a file that ends in {string.Join(", ", Formats)}"),
        };
        AtomicFile.Write(path, stream => stream.Write(content));
    }

    /// <summary>The picture as plotly.js gives it, a data address.</summary>
    private static string Image(string figure, string format, (int Width, int Height) size, double scale)
    {
        var dom = HeadlessBrowser.Dom(ExportPage.Image(figure, format, size, scale));
        var found = WebUtility.HtmlDecode(Result().Match(dom).Groups[1].Value);
        return found.StartsWith("data:", StringComparison.Ordinal) ? found : throw new SpectralKDException(
            $"the browser did not draw the chart ({(found.Length == 0 ? "no answer" : found)}): save as .html instead, or set {Browser.Variable} to another browser");
    }

    [GeneratedRegex("<pre id=\"result\">([^<]*)</pre>")]
    private static partial Regex Result();
}

/// <summary>Pages for a browser without a window.</summary>
internal static class ExportPage
{
    /// <summary>A page that writes the chart's picture, as a data address, into an element <c>result</c>.</summary>
    internal static string Image(string figureJson, string format, (int Width, int Height) size, double scale)
    {
        var options = string.Create(
            CultureInfo.InvariantCulture, $"{{format:'{format}',width:{size.Width},height:{size.Height},scale:{scale}}}");
        return Page("", $$"""
            <pre id="result"></pre><div id="chart"></div>
            <script>
            var figure={{ChartHtml.InScript(figureJson)}};
            function tell(text){document.getElementById('result').textContent=text;}
            try{Plotly.toImage(figure,{{options}}).then(tell,function(e){tell('error: '+e);});}catch(e){tell('error: '+e);}
            </script>
            """);
    }

    /// <summary>A page of exactly the chart's size, to be printed.</summary>
    internal static string Print(string figureJson, (int Width, int Height) size)
    {
        // A line box of its own would spill onto a second page.
        var style = string.Create(
            CultureInfo.InvariantCulture,
            $"@page{{size:{size.Width}px {size.Height}px;margin:0}}html,body{{margin:0;padding:0;overflow:hidden;height:{size.Height - 1}px}}#chart svg{{display:block}}");
        return Page(style, $$"""
            <div id="chart" style="width:{{size.Width}}px;height:{{size.Height - 1}}px"></div>
            <script>
            var figure={{ChartHtml.InScript(figureJson)}};
            figure.layout.width={{size.Width}};figure.layout.height={{size.Height - 1}};
            Plotly.newPlot('chart',figure.data,figure.layout,{staticPlot:true});
            </script>
            """);
    }

    private static string Page(string style, string body) => $"""
        <!DOCTYPE html>
        <html><head><meta charset="utf-8"><style>{style}</style><script>{PlotlyScript.Source}</script></head>
        <body>{body}</body></html>
        """;
}
