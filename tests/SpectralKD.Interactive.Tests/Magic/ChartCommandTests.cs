using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Tests.Charting;

namespace SpectralKD.Interactive.Tests.Magic;

public class ChartCommandTests
{
    private readonly FakeHost _host = new()
    {
        ["spectrum"] = SampleSpectra.U(),
        ["teacher"] = SampleSpectra.U("cait_s24_224", 24, 0.6),
        ["channels"] = SampleSpectra.U(domain: SpectralDomain.Channel),
    };

    [Theory]
    [InlineData("heatmap", 1, "Amplitude over depth and frequency")]
    [InlineData("heatmap --spectra spectrum,teacher --normalize", 1, "Amplitude over depth and frequency")]
    [InlineData("histogram --spectra teacher", 1, "Spectral intensity of single images")]
    [InlineData("Entropy --spectra spectrum teacher", 1, "Activation entropy over depth")]
    public async Task Each_kind_of_chart_is_one_line(string line, int charts, string title)
    {
        await RunAsync($"#!spectral-chart {line}");
        Assert.Equal(charts, _host.Displayed.Count);
        Assert.All(_host.Displayed, shown => Assert.Contains(title, ChartText.Of((GenericChart)shown), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0,5,-1", 3)]
    [InlineData("all", 12)]
    [InlineData("10..", 2)]
    public async Task A_histogram_shows_the_blocks_that_were_asked_for(string layers, int blocks)
    {
        await RunAsync($"#!spectral-chart histogram --layers {layers}");
        Assert.Equal(blocks, UCurveTests.Traces((GenericChart)_host.Displayed[0]).Count);
    }

    [Theory]
    [InlineData("#!spectral-chart", "needs --kind")]
    [InlineData("#!spectral-chart heatmp", "did you mean heatmap?")]
    [InlineData("#!spectral-chart heatmap --spectra spectrm", "did you mean spectrum?")]
    [InlineData("#!spectral-chart heatmap --spectra channels", "shows the Spatial domain")]
    [InlineData("#!spectral-chart histogram --layers 12", "block 12")]
    [InlineData("#!spectral-chart histogram --normalize", "--normalize is for the heatmap")]
    [InlineData("#!spectral-chart entropy --layers 3", "--layers is for the histogram")]
    public async Task A_mistake_is_named_and_nothing_is_drawn(string line, string said)
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => RunAsync(line));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Empty(_host.Displayed);
    }

    [Theory]
    [InlineData("spectrum", "Block (0 is the first)", 11)]
    [InlineData("spectrum --relative", "Relative depth", 1)]
    [InlineData("spectrum,teacher", "Relative depth", 1)]
    [InlineData("spectrum,teacher --relative false", "Block (0 is the first)", 11)]
    public async Task Depth_is_the_blocks_index_or_relative(string line, string axis, double last)
    {
        await RunAsync($"#!spectral-ucurve {line}");
        var chart = (GenericChart)_host.Displayed[0];
        Assert.Contains(axis, ChartHtml.FigureJson(chart), StringComparison.Ordinal);
        Assert.Contains(UCurveTests.Traces(chart), trace => UCurveTests.Numbers(trace, "x")[^1] == last);
    }

    [Theory]
    [InlineData("spectrum", "95 % interval of the mean", true)]
    [InlineData("spectrum --band deviation", "± 1 standard deviation over images", true)]
    [InlineData("spectrum --band none --from-data", null, false)]
    public async Task A_u_curve_shades_what_was_asked_for_and_begins_at_zero_or_at_the_data(string line, string? band, bool fromZero)
    {
        await RunAsync($"#!spectral-ucurve {line}");
        var chart = (GenericChart)_host.Displayed[0];
        using var figure = System.Text.Json.JsonDocument.Parse(ChartHtml.FigureJson(chart));
        Assert.Equal(band is null ? 1 : 2, UCurveTests.Traces(chart).Count);
        Assert.True(band is null || ChartText.Of(chart).Contains($"band: {band}", StringComparison.Ordinal));
        Assert.Equal(fromZero, figure.RootElement.GetProperty("layout").GetProperty("yaxis").GetProperty("range")[0].GetDouble() == 0);
    }

    [Fact]
    public async Task Where_both_domains_were_analysed_either_can_be_drawn()
    {
        await RunAsync("#!spectral-ucurve spectrum --domain channel");
        var chart = (GenericChart)_host.Displayed[0];
        Assert.Contains("Channel intensity", ChartHtml.FigureJson(chart), StringComparison.Ordinal);
        Assert.Contains(UCurveTests.Traces(chart), trace => UCurveTests.Numbers(trace, "y")[0] == SampleSpectra.U().Blocks[0].ChannelIntensity);

        var error = await Assert.ThrowsAsync<SpectralKDException>(() => RunAsync("#!spectral-ucurve channels --domain spatial"));
        Assert.Contains("no Spatial spectra", error.Message, StringComparison.Ordinal);
    }

    private Task RunAsync(string line) => MagicLine.ExecuteAsync(line, _host);
}
