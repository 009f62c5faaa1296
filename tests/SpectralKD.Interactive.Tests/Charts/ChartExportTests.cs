using System.Buffers.Binary;
using System.Text;

namespace SpectralKD.Interactive.Tests.Charting;

public sealed class ChartExportTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Html_and_json_need_no_browser()
    {
        Assert.StartsWith("<!DOCTYPE html>", Encoding.UTF8.GetString(Save("chart.html")), StringComparison.Ordinal);
        Assert.StartsWith("{\"data\":", Encoding.UTF8.GetString(Save("new/chart.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Svg_holds_the_charts_words_as_text()
    {
        RequireBrowser();
        var svg = Encoding.UTF8.GetString(Save("chart.svg"));

        Assert.StartsWith("<svg", svg, StringComparison.Ordinal);
        Assert.Contains("Spectral intensity over depth", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void Png_has_the_asked_size()
    {
        RequireBrowser();
        var png = Save("chart.png");

        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.Equal((1200, 920), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
    }

    [Fact]
    public void Pdf_is_one_page()
    {
        RequireBrowser();
        var pdf = Encoding.Latin1.GetString(Save("chart.pdf"));

        Assert.StartsWith("%PDF", pdf, StringComparison.Ordinal);
        Assert.Contains("/Count 1", pdf, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_charts_are_saved_for_a_column_of_85_millimetres_with_words_of_7_points_through_one_browser()
    {
        RequireBrowser();
        string[] paths = [.. new[] { "curve.svg", "curve.pdf", "curve.png" }.Select(name => Path.Combine(_folder.FullName, name))];
        ChartExport.SaveAll(paths.Select(path => (Charts.UCurve(SampleSpectra.U()), path)), "85mm");

        var svg = File.ReadAllText(paths[0]);
        Assert.Matches("^<svg[^>]* width=\"85(\\.\\d+)?mm\" height=\"\\d+(\\.\\d+)?mm\"", svg);
        Assert.Contains("viewBox=\"0 0 482 ", svg, StringComparison.Ordinal); // 14 pixels of 482 are 7 points of 85 mm
        Assert.Contains("font-size: 14px", svg, StringComparison.Ordinal);
        var pdf = Encoding.Latin1.GetString(File.ReadAllBytes(paths[1]));
        Assert.Contains("/Count 1", pdf, StringComparison.Ordinal);
        Assert.Matches(@"/MediaBox \[0 0 24[01](\.\d+)? ", pdf);
        Assert.InRange(BinaryPrimitives.ReadInt32BigEndian(File.ReadAllBytes(paths[2]).AsSpan(16)), 2004, 2012); // 600 dots to the inch
    }

    [Theory]
    [InlineData("85")]
    [InlineData("5mm")]
    [InlineData("wide")]
    public void A_width_that_is_none_on_paper_is_refused_before_a_browser_starts(string width)
        => Assert.Contains("such as 85mm", Assert.Throws<SpectralKDException>(() => ChartExport.SaveAll([(Charts.UCurve(SampleSpectra.U()), "x.svg")], width)).Message, StringComparison.Ordinal);

    [Fact]
    public void Another_ending_names_those_that_are_known()
        => Assert.Contains(".html, .svg, .png, .pdf", Assert.Throws<SpectralKDException>(() => Save("chart.bmp")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_size_out_of_range_is_refused()
        => Assert.Contains("100 to 10000", Assert.Throws<SpectralKDException>(
            () => ChartExport.Save(Charts.UCurve(SampleSpectra.U()), "x.png", 5)).Message, StringComparison.Ordinal);

    private static void RequireBrowser()
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException missing)
        {
            Assert.Skip($"skipped: {missing.Message}");
        }
    }

    private byte[] Save(string name)
    {
        var path = Path.Combine(_folder.FullName, name);
        ChartExport.Save(Charts.UCurve(SampleSpectra.U()), path, 600);
        return File.ReadAllBytes(path);
    }
}
