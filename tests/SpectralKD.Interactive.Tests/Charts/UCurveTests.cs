using System.Text.Json;
using Plotly.NET;

namespace SpectralKD.Interactive.Tests.Charting;

public class UCurveTests
{
    [Fact]
    public void A_u_curve_shows_every_blocks_intensity_at_its_index()
    {
        var spectrum = SampleSpectra.U();
        var line = Traces(Charts.UCurve(spectrum))[^1];

        Assert.Equal(Enumerable.Range(0, 12).Select(index => (double)index), Numbers(line, "x"));
        Assert.Equal(spectrum.Intensities, Numbers(line, "y"));
    }

    [Fact]
    public void A_normalised_curve_ends_at_one_at_most()
        => Assert.Equal(1, Numbers(Traces(Charts.UCurve(SampleSpectra.U(), normalize: true))[^1], "y").Max(), 12);

    [Fact]
    public void Models_of_different_depth_are_put_on_relative_depth()
    {
        var traces = Traces(Charts.UCurve([SampleSpectra.U(), SampleSpectra.U("cait_s24_224", 24)], band: CurveBand.None));

        Assert.Equal(2, traces.Count);
        Assert.All(traces, trace => Assert.Equal((0, 1), (Numbers(trace, "x")[0], Numbers(trace, "x")[^1])));
    }

    [Fact]
    public void The_title_says_model_images_and_verdict()
    {
        var text = ChartText.Of(Charts.UCurve(SampleSpectra.U()));

        Assert.Contains("deit_tiny_patch16_224 · 199 images of imagenet-sample · clear U-shape (score ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_channel_analysis_has_a_u_curve_too()
        => Assert.Equal(12, Numbers(Traces(Charts.UCurve(SampleSpectra.U(domain: SpectralDomain.Channel)))[^1], "y").Count);

    [Fact]
    public void No_spectrum_is_an_error_in_words()
        => Assert.Contains("at least one spectrum", Assert.Throws<SpectralKDException>(() => Charts.UCurve([])).Message, StringComparison.Ordinal);

    internal static IReadOnlyList<JsonElement> Traces(GenericChart chart)
        => [.. JsonDocument.Parse(ChartHtml.FigureJson(chart)).RootElement.GetProperty("data").EnumerateArray()];

    internal static IReadOnlyList<double> Numbers(JsonElement trace, string name)
        => [.. trace.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
}
