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
        Assert.Equal((1200, 880), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
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
