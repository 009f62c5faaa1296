using System.Text.Json;
using Plotly.NET;
using SpectralKD.Interactive.Charting;
using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Tests.Charting;

public class ChartKindsTests
{
    private static readonly ModelSpectrum Student = SampleSpectra.U();
    private static readonly ModelSpectrum Teacher = SampleSpectra.U("cait_s24_224", 24, 0.6);

    public static TheoryData<string, GenericChart> All => new()
    {
        { "u-curve", Charts.UCurve(Student) },
        { "depth x frequency", Charts.DepthFrequency(Student) },
        { "layer", Charts.Layer(Student, 3) },
        { "histogram", Charts.Histogram(Student) },
        { "entropy", Charts.Entropy(Student, Teacher) },
        { "dynamics", Charts.Dynamics(Teacher, Student, Student) },
        { "pairs", Charts.Pairs(Teacher, Student, LayerPairs.Select(Teacher, Student)) },
    };

    [Theory]
    [MemberData(nameof(All))]
    public void Every_chart_has_a_title_labelled_axes_and_words_to_hover_over(string name, GenericChart chart)
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(chart));
        var layout = figure.RootElement.GetProperty("layout");

        Assert.False(string.IsNullOrWhiteSpace(layout.GetProperty("title").GetProperty("text").GetString()), name);
        foreach (var axis in layout.EnumerateObject().Where(node => node.Name.StartsWith("xaxis", StringComparison.Ordinal) || node.Name.StartsWith("yaxis", StringComparison.Ordinal)))
        {
            Assert.False(string.IsNullOrWhiteSpace(axis.Value.GetProperty("title").GetProperty("text").GetString()), $"{name}: {axis.Name}");
        }

        Assert.Contains(figure.RootElement.GetProperty("data").EnumerateArray(), trace => trace.TryGetProperty("hovertemplate", out _));
    }

    [Fact]
    public void Depth_against_frequency_has_a_row_for_each_block()
    {
        var heatmap = Assert.Single(UCurveTests.Traces(Charts.DepthFrequency(Student)));

        Assert.Equal(12, heatmap.GetProperty("z").GetArrayLength());
        Assert.Equal(Math.Log10(Student.Blocks[2].RadialAmplitude!.Value[4]), heatmap.GetProperty("z")[2][4].GetDouble(), 1e-12);
        Assert.Equal(4 / 7.0, heatmap.GetProperty("x")[4].GetDouble(), 1e-12);
    }

    [Fact]
    public void A_layer_shows_map_profile_and_the_lower_half_of_the_channels()
    {
        var traces = UCurveTests.Traces(Charts.Layer(Student, -1));

        Assert.Equal(3, traces.Count);
        Assert.Equal(Math.Log10(Student.Blocks[11].AmplitudeMap!.Value[(7 * 14) + 7]), traces[0].GetProperty("z")[7][7].GetDouble(), 1e-12);
        Assert.Equal(0, traces[0].GetProperty("x")[7].GetInt32());
        Assert.Equal(96, traces[2].GetProperty("y").GetArrayLength());
    }

    [Theory]
    [InlineData(SpectralDomain.Spatial, 2)]
    [InlineData(SpectralDomain.Channel, 1)]
    public void A_layer_shows_what_was_analysed(SpectralDomain domain, int panels)
        => Assert.Equal(panels, UCurveTests.Traces(Charts.Layer(SampleSpectra.U(domain: domain), 0)).Count);

    [Fact]
    public void A_histogram_counts_every_image_once()
    {
        foreach (var trace in UCurveTests.Traces(Charts.Histogram(Student)))
        {
            Assert.Equal(100, UCurveTests.Numbers(trace, "y").Sum(), 1e-9);
        }
    }

    [Fact]
    public void Entropy_falls_back_to_uniformity_and_needs_one_of_both()
    {
        Assert.Contains("bits", Axis(Charts.Entropy(Student)), StringComparison.Ordinal);
        Assert.Contains("Uniformity", Axis(Charts.Entropy(SampleSpectra.U(domain: SpectralDomain.Spatial))), StringComparison.Ordinal);
        var channel = SampleSpectra.U(domain: SpectralDomain.Channel).WithoutActivationEntropy();
        Assert.Contains("Spatial", Assert.Throws<SpectralKDException>(() => Charts.Entropy(channel)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dynamics_say_how_far_the_student_is_from_the_teacher()
    {
        Assert.Contains(": 0.000 before, 0.000 after", ChartText.Of(Charts.Dynamics(Student, Student, Student)), StringComparison.Ordinal);
        Assert.Equal(0, CurveDistance.Between(SampleSpectra.U(blocks: 12), SampleSpectra.U(blocks: 23)), 0.02);
    }

    [Fact]
    public void Pairs_are_connected_one_by_one()
    {
        var pairs = LayerPairs.Select(Teacher, Student);
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.Pairs(Teacher, Student, pairs)));
        var lines = figure.RootElement.GetProperty("layout").GetProperty("shapes");

        Assert.Equal(8, lines.GetArrayLength());
        Assert.Equal(6 / 11.0, lines[2].GetProperty("x0").GetDouble(), 1e-12);
        Assert.Equal(18 / 23.0, lines[2].GetProperty("x1").GetDouble(), 1e-12);
    }

    [Fact]
    public void A_block_that_was_not_analysed_and_a_missing_domain_are_errors_in_words()
    {
        Assert.Contains("block 12", Assert.Throws<SpectralKDException>(() => Charts.Layer(Student, 12)).Message, StringComparison.Ordinal);
        Assert.Contains("Spatial", Assert.Throws<SpectralKDException>(() => Charts.DepthFrequency(SampleSpectra.U(domain: SpectralDomain.Channel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_say_their_best_and_keep_to_one_kind_of_log()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "soft.txt");
        File.WriteAllText(path, "{\"epoch\": 0, \"test_acc1\": 50}\n{\"epoch\": 1, \"test_acc1\": 61.5}\n{\"epoch\": 2, \"test_acc1\": 60}\n");
        var run = RunLog.Load(path);

        Assert.Equal("soft: best 61.50 at epoch 1", Assert.Single(UCurveTests.Traces(Charts.Runs([run]))).GetProperty("name").GetString());
        Assert.Contains("Charts.Runs", Assert.Throws<SpectralKDException>(() => Charts.EntropyHeatmap(run)).Message, StringComparison.Ordinal);
        Assert.Contains("no column test_acc9", Assert.Throws<SpectralKDException>(() => Charts.Runs([run], "test_acc9")).Message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static string Axis(GenericChart chart)
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(chart));
        return figure.RootElement.GetProperty("layout").GetProperty("yaxis").GetProperty("title").GetProperty("text").GetString()!;
    }
}
