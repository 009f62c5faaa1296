using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SpectralKD.Interactive.Tests.Charting;

public partial class DarkFigureTests
{
    /// <summary>The series colours on dark pages; which of them a model has depends on the charts before.</summary>
    private static readonly string[] Bright = ["#4b8ff5", "#f58e45", "#35c79b", "#CC79A7", "#E69F00", "#56B4E9", "#d7dae0", "#cba64e"];

    [Fact]
    public void A_dark_page_gets_bright_lines_light_words_and_no_white_ground()
    {
        using var dark = JsonDocument.Parse(Drawn(ChartHtml.FigureJson(Charts.UCurve([SampleSpectra.U(), SampleSpectra.U("cait_s24_224", 24)]))));
        var layout = dark.RootElement.GetProperty("layout");
        var line = dark.RootElement.GetProperty("data").EnumerateArray().First(trace => trace.TryGetProperty("marker", out _)).GetProperty("line");

        Assert.Contains(line.GetProperty("color").GetString(), Bright);
        Assert.Equal("rgba(0,0,0,0)", layout.GetProperty("paper_bgcolor").GetString());
        Assert.Equal("#d7dae0", layout.GetProperty("font").GetProperty("color").GetString());
        Assert.Contains("color:#a3abb7", layout.GetProperty("title").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("#3a3f4a", layout.GetProperty("xaxis").GetProperty("gridcolor").GetString());
    }

    [Fact]
    public void A_figure_with_a_ground_of_its_own_keeps_its_colours()
    {
        const string own = """{"data":[{"line":{"color":"#0072B2"}}],"layout":{"paper_bgcolor":"#ffeecc"}}""";

        Assert.Equal(own, Drawn(own));
    }

    [Fact]
    public void Markers_that_are_hollow_on_white_paper_are_no_white_dots_on_a_dark_page()
    {
        var pairs = LayerPairs.Select(SampleSpectra.U("cait_s24_224", 24), SampleSpectra.U());
        var chart = Charts.Pairs(SampleSpectra.U("cait_s24_224", 24), SampleSpectra.U(), pairs);
        using var dark = JsonDocument.Parse(Drawn(ChartHtml.FigureJson(chart)));
        var colours = dark.RootElement.GetProperty("data")[0].GetProperty("marker").GetProperty("color").EnumerateArray().Select(colour => colour.GetString()).Distinct().ToList();
        Assert.Equal(2, colours.Count);
        Assert.Contains(colours[0], Bright);
        Assert.Equal("#1b1d22", colours[1]);
        var picture = StillPicture.TryDraw(ChartHtml.FigureJson(chart))!;
        Assert.Contains("fill=\"#ffffff\" stroke=", picture, StringComparison.Ordinal);
        var shown = Ran($"darkPicture({JsonSerializer.Serialize(picture)})"); // a series that is black on paper is white here, so the hollow markers are counted
        Assert.Equal(picture.Split("fill=\"#ffffff\" stroke=").Length, shown.Split("fill=\"#1b1d22\" stroke=").Length);
    }

    private static string Drawn(string figureJson) => Ran($"JSON.stringify(darkFigure({ChartHtml.InScript(figureJson)}))");

    private static string Ran(string expression)
    {
        Assert.SkipUnless(HasBrowser(), "skipped: no Chromium, Chrome or Edge is installed");
        var dom = HeadlessBrowser.Dom($$"""
            <!DOCTYPE html><html><body><pre id="result"></pre><script>{{DarkFigure.Function}}
            document.getElementById('result').textContent={{expression}};</script></body></html>
            """);
        return WebUtility.HtmlDecode(Result().Match(dom).Groups[1].Value);
    }

    private static bool HasBrowser()
    {
        try
        {
            return Browser.Find().Length > 0;
        }
        catch (SpectralKDException)
        {
            return false;
        }
    }

    [GeneratedRegex("<pre id=\"result\">([^<]*)</pre>")]
    private static partial Regex Result();
}
