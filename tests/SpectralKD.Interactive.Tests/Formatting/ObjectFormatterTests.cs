using Microsoft.Data.Analysis;
using Microsoft.DotNet.Interactive.Formatting;
using SpectralKD.Interactive.Tests.Charting;

namespace SpectralKD.Interactive.Tests.Formatting;

[Collection("formatters")]
public class ObjectFormatterTests
{
    public ObjectFormatterTests() => NotebookExtension.Install();

    [Fact]
    public void A_spectrum_is_shown_with_model_images_verdict_and_blocks()
    {
        var spectrum = SampleSpectra.U();
        var html = spectrum.ToDisplayString("text/html");

        Assert.Contains("<b>deit_tiny_patch16_224</b>", html, StringComparison.Ordinal);
        Assert.Contains("199 images of imagenet-sample, both domains", html, StringComparison.Ordinal);
        Assert.Contains("clear U-shape", html, StringComparison.Ordinal);
        Assert.Contains("blocks.11", html, StringComparison.Ordinal);
        Assert.Contains("blocks.11", spectrum.ToDisplayString("text/plain"), StringComparison.Ordinal);
    }

    [Fact]
    public void Layer_pairs_are_a_table()
    {
        var pairs = LayerPairs.Select(SampleSpectra.U("cait_s24_224", 24), SampleSpectra.U());

        Assert.Contains("8 layer pairs (endpoints: first 2 and last 6 blocks)", pairs.ToDisplayString("text/html"), StringComparison.Ordinal);
        Assert.Contains("blocks.18", pairs.ToDisplayString("text/plain"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_verdict_without_a_u_warns()
        => Assert.Contains("⚠ no U-shape", UShape.Of([1, 2, 2, 1]).ToDisplayString("text/html"), StringComparison.Ordinal);

    [Fact]
    public void A_table_shows_what_differs_with_its_points_below_each_other_and_names_the_rest()
    {
        var text = SampleSpectra.U(domain: SpectralDomain.Spatial).ToDataFrame().ToDisplayString("text/plain");
        var html = SampleSpectra.U(domain: SpectralDomain.Spatial).ToDataFrame().ToDisplayString("text/html");
        var (headings, rows) = (text.Split(Environment.NewLine)[0], text.Split(Environment.NewLine)[1..13]);

        Assert.DoesNotContain("channels", headings, StringComparison.Ordinal);
        Assert.Contains("in all rows: channels: 192, height: 14, width: 14, images: 199 · empty: channel_intensity, activation_entropy", text, StringComparison.Ordinal);
        Assert.Single(rows.Select(row => row.IndexOf('.', row.IndexOf("blocks.", StringComparison.Ordinal) + 7)).Distinct());
        Assert.Contains("<summary>all columns</summary>", html, StringComparison.Ordinal);
        Assert.Contains(">activation_entropy</th>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_frame_shows_its_first_rows_and_its_size()
    {
        var frame = new DataFrame(new Int32DataFrameColumn("n", Enumerable.Range(1000, 40)), new StringDataFrameColumn("<name>", Enumerable.Repeat<string?>(null, 40)));
        var html = frame.ToDisplayString("text/html");

        Assert.Contains("2 columns, the first 25 shown", html, StringComparison.Ordinal);
        Assert.Contains("&lt;name&gt;", html, StringComparison.Ordinal);
        Assert.Contains("1024", html, StringComparison.Ordinal);
        Assert.DoesNotContain("1025", html, StringComparison.Ordinal);
        Assert.Equal(["text/html", "text/plain"], Formatter.GetPreferredMimeTypesFor(typeof(DataFrame)));
    }
}
