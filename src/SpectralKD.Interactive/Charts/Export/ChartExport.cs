using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Saves charts as files: .html by itself; .svg, .png and .pdf drawn by an installed Chromium, Chrome or Edge.</summary>
public static class ChartExport
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

        using var drawing = new ChartDrawing();
        drawing.Save(chart, path, new ChartSize(width, height, scale));
    }

    /// <summary>Saves several charts through one start of the browser, for print where a width on paper is given.</summary>
    /// <param name="charts">Charts and their files; one chart may go into several.</param>
    /// <param name="printWidth">
    /// Width on paper, such as <c>85mm</c> for a column: the words are then 7 points high at any width, lines in proportion, and a .png has 600 dots to the inch. Null: 900 pixels.
    /// </param>
    /// <exception cref="SpectralKDException">Another ending, no such width, no browser, or a file cannot be written.</exception>
    /// <example><code>
    /// var spectrum = ModelSpectrum.Load("deit.json");
    /// ChartExport.SaveAll([(Charts.UCurve(spectrum), "curve.pdf"), (Charts.Layer(spectrum), "last.pdf")], "85mm");
    /// </code></example>
    public static void SaveAll(IEnumerable<(GenericChart Chart, string Path)> charts, string? printWidth = null)
    {
        ArgumentNullException.ThrowIfNull(charts);
        var size = printWidth is null ? new ChartSize(900, null, 2) : ChartSize.OnPaper(printWidth);
        using var drawing = new ChartDrawing();
        foreach (var (chart, path) in charts)
        {
            drawing.Save(chart, path, size);
        }
    }
}

/// <summary>How large a picture of a chart is.</summary>
/// <param name="Width">Width in which the chart is laid out, pixels.</param>
/// <param name="Height">Height; null for the chart's own.</param>
/// <param name="Scale">Dots of a .png for each pixel.</param>
/// <param name="Shrink">CSS pixels on paper for each pixel of the layout.</param>
internal sealed partial record ChartSize(int Width, int? Height, double Scale, double Shrink = 1)
{
    private const double Points = 7; // what most journals ask of the words in a figure
    private const double FontPixels = 14; // of the common look
    private const double PixelsPerPoint = 96.0 / 72;
    private const double DotsPerPixel = 600.0 / 96;

    internal bool IsOnPaper => Shrink != 1;

    /// <summary>Reads a width as it is typed: <c>85mm</c>, <c>8.5cm</c>, <c>3.35in</c>, <c>240pt</c>. The chart is laid out so wide that its words, made small with it, are 7 points high.</summary>
    internal static ChartSize OnPaper(string text)
    {
        var match = WidthOnPaper().Match(text.Trim());
        var pixels = match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * match.Groups[2].Value.ToLowerInvariant() switch
        {
            "mm" => 96 / 25.4,
            "cm" => 96 / 2.54,
            "in" => 96,
            "pt" => PixelsPerPoint,
            _ => 1,
        } : 0;
        const double shrink = Points * PixelsPerPoint / FontPixels;
        return pixels is >= 75 and <= 4000 ? new ChartSize((int)Math.Round(pixels / shrink), null, DotsPerPixel * shrink, shrink) : throw new SpectralKDException(
            $"a chart cannot be {text} wide: give a width on paper of 20 mm to 1 m, such as 85mm, 3.35in, 8.5cm or 240pt");
    }

    [GeneratedRegex(@"^(\d+(?:\.\d+)?) ?(mm|cm|in|pt|px)$", RegexOptions.IgnoreCase)]
    private static partial Regex WidthOnPaper();
}

/// <summary>Draws charts one after another; the browser is started for the first that needs it.</summary>
internal sealed class ChartDrawing : IDisposable
{
    private BrowserSession? _browser;

    internal void Save(GenericChart chart, string path, ChartSize size)
    {
        var figure = ChartHtml.FigureJson(chart);
        var ending = Path.GetExtension(path).ToLowerInvariant();
        if (size.IsOnPaper && ending is not (".svg" or ".png" or ".pdf"))
        {
            throw new SpectralKDException($"a width on paper is for .svg, .png and .pdf; leave it out for {path}");
        }

        byte[] content = ending switch
        {
            ".html" or ".htm" => Encoding.UTF8.GetBytes(ChartHtml.Page(ChartText.Of(chart), chart)),
            ".json" => Encoding.UTF8.GetBytes(figure),
            ".svg" => Encoding.UTF8.GetBytes(Svg(figure, size).Svg),
            ".png" => Convert.FromBase64String(Image(figure, "png", size).Split(',', 2)[1]),
            ".pdf" => Pdf(figure, size),
            var other => throw new SpectralKDException($"a chart cannot be saved as \"{other}\": name a file that ends in {string.Join(", ", ChartExport.Formats)}"),
        };
        AtomicFile.Write(path, stream => stream.Write(content));
    }

    public void Dispose() => _browser?.Dispose();

    private byte[] Pdf(string figure, ChartSize size)
    {
        var (svg, width, height) = Svg(figure, size);
        return _browser!.Pdf(svg, width, height);
    }

    /// <summary>The picture with its size on paper; all that is in it is made small together.</summary>
    private (string Svg, double Width, double Height) Svg(string figure, ChartSize size)
    {
        var svg = Uri.UnescapeDataString(Image(figure, "svg", size).Split(',', 2)[1]);
        var (width, height) = (Number(svg, "width"), Number(svg, "height"));
        var (wide, high) = (width * size.Shrink, height * size.Shrink);
        return !size.IsOnPaper ? (svg, width, height) : (
            Side("height").Replace(Side("width").Replace(svg, Millimetres("width", wide), 1), Millimetres("height", high), 1), wide, high);
    }

    /// <summary>The picture as plotly.js gives it, a data address. Lines are broken for the width, as in a page.</summary>
    private string Image(string figure, string format, ChartSize size)
    {
        _browser ??= new BrowserSession();
        var found = _browser.Evaluate(string.Create(CultureInfo.InvariantCulture, $$"""
            (function(){
            var shown=narrowFigure({{ChartHtml.InScript(figure)}},{{size.Width}});
            return Plotly.toImage(shown,{format:'{{format}}',width:{{size.Width}},height:{{(size.Height is { } height ? height.ToString(CultureInfo.InvariantCulture) : $"(shown.layout&&shown.layout.height)||{FigureHeight.Of(figure)}")}},scale:{{(format == "png" ? size.Scale : 1)}}});
            })()
            """));
        return found.StartsWith("data:", StringComparison.Ordinal) ? found : throw HeadlessBrowser.Failed(found.Length == 0 ? "no answer" : found);
    }

    private static Regex Side(string name) => new($"(?<=^<svg[^>]*) {name}=\"([0-9.]+)\"", RegexOptions.CultureInvariant);

    private static double Number(string svg, string name) => double.Parse(Side(name).Match(svg).Groups[1].Value, CultureInfo.InvariantCulture);

    private static string Millimetres(string name, double pixels) => string.Create(CultureInfo.InvariantCulture, $" {name}=\"{pixels * 25.4 / 96:0.##}mm\"");
}
