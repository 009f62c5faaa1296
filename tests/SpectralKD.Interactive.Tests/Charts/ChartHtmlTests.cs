using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SpectralKD.Interactive.Tests.Charting;

public class ChartHtmlTests
{
    [Fact]
    public void A_charts_html_names_no_address_outside_the_page()
    {
        var html = ChartHtml.WithLibrary(Charts.UCurve(SampleSpectra.U()));

        Assert.DoesNotContain("://", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("require(", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_charts_html_carries_the_whole_library()
    {
        var html = ChartHtml.WithLibrary(Charts.UCurve(SampleSpectra.U()));
        var packed = Convert.FromBase64String(Regex.Match(html, "-library\">([A-Za-z0-9+/=]+)</script>").Groups[1].Value);
        using var reader = new StreamReader(new GZipStream(new MemoryStream(packed), CompressionMode.Decompress));

        Assert.Equal(PlotlyScript.Source, reader.ReadToEnd());
        Assert.Contains($"plotly.js v{PlotlyScript.Version}", PlotlyScript.Source, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_from_outside_end_neither_the_script_nor_the_text()
    {
        var spectrum = SampleSpectra.U() with { Model = "</script><b>x", Source = "a & b" };
        var html = ChartHtml.FigureOnly(ChartHtml.FigureJson(Charts.UCurve(spectrum)));

        Assert.DoesNotContain("</script><b>", html, StringComparison.Ordinal);
        Assert.Equal(1, Regex.Count(html, "</script>"));
        Assert.Contains("&lt;/script&gt;", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_figure_only_is_small_and_a_page_holds_the_library_once()
    {
        var chart = Charts.UCurve(SampleSpectra.U());

        Assert.True(ChartHtml.FigureOnly(ChartHtml.FigureJson(chart)).Length < 20_000);
        Assert.Single(Regex.Matches(ChartHtml.Page("two charts", chart, chart), Regex.Escape("* plotly.js v")));
    }

    [Fact]
    public void The_library_cannot_end_its_script_element()
        => Assert.DoesNotContain("</script", PlotlyScript.Source, StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void Figure_json_has_data_and_layout()
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.UCurve(SampleSpectra.U())));

        Assert.Equal(JsonValueKind.Array, figure.RootElement.GetProperty("data").ValueKind);
        Assert.Equal(JsonValueKind.Object, figure.RootElement.GetProperty("layout").ValueKind);
    }
}
