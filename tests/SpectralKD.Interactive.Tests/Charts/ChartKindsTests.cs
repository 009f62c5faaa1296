using System.Text.Json;
using Plotly.NET;

namespace SpectralKD.Interactive.Tests.Charting;

public class ChartKindsTests
{
    private static readonly ModelSpectrum Student = SampleSpectra.U();
    private static readonly ModelSpectrum Teacher = SampleSpectra.U("cait_s24_224", 24, 0.6);

    private static readonly TrainingSpectra Training = TrainingSpectra.Of(["epoch 0", "epoch 5", "epoch 10"], [SampleSpectra.U(depth: 0.2), SampleSpectra.U(depth: 0.3), Student]);

    public static TheoryData<string, GenericChart> All => new()
    {
        { "u-curve", Charts.UCurve(Student) },
        { "depth x frequency", Charts.DepthFrequency(Student) },
        { "layer", Charts.Layer(Student, 3) },
        { "histogram", Charts.Histogram(Student) },
        { "entropy", Charts.Entropy(Student, Teacher) },
        { "dynamics", Charts.Dynamics(Teacher, Student, Student) },
        { "pairs", Charts.Pairs(Teacher, Student, LayerPairs.Select(Teacher, Student)) },
        { "distances", Charts.LayerDistances(DistillationDynamics.Of(Teacher, Student, Student)) },
        { "distances of several", Charts.LayerDistances(Teacher, Student, SampleSpectra.U(depth: 0.2)) },
        { "accuracy by epoch", Charts.AccuracyByEpoch(SampleComparison.Of()) },
        { "accuracy by second", Charts.AccuracyBySecond(SampleComparison.Of()) },
        { "differences", Charts.Differences(SampleComparison.Of()) },
        { "differences of one seed", Charts.Differences(SampleComparison.Of(seeds: 1)) },
        { "layer gains", Charts.LayerGains(SampleComparison.Of(layers: true)) },
        { "over training", Charts.OverTraining(Training, "uniformity") },
        { "slider", Charts.UCurveSlider(Training, Teacher) },
        { "distance heatmap", Charts.DistanceHeatmap(DistillationDynamics.Of(Teacher, Student, Student)) },
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
    public void A_slider_shows_the_first_checkpoint_the_teacher_and_one_other_at_a_time()
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.UCurveSlider(Training, Teacher)));
        var slider = figure.RootElement.GetProperty("layout").GetProperty("sliders")[0];
        var steps = slider.GetProperty("steps").EnumerateArray().ToList();
        Assert.Equal(["epoch 0", "epoch 5", "epoch 10"], steps.Select(step => step.GetProperty("label").GetString()));
        Assert.Equal(2, slider.GetProperty("active").GetInt32());
        Assert.Equal([true, true, false, true, false], steps[1].GetProperty("args")[0].GetProperty("visible").EnumerateArray().Select(trace => trace.GetBoolean()));
        Assert.Equal([true, true, false, false, true], figure.RootElement.GetProperty("data").EnumerateArray().Select(trace => trace.GetProperty("visible").GetBoolean()));
    }

    [Fact]
    public void A_figure_that_a_training_does_not_have_is_refused_with_those_it_has()
        => Assert.Contains("there are intensity", Assert.Throws<SpectralKDException>(() => Charts.OverTraining(Training, "kurtosis")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_forest_plot_has_an_interval_for_each_method_but_the_baseline_and_none_for_one_seed()
    {
        var traces = UCurveTests.Traces(Charts.Differences(SampleComparison.Of()));
        Assert.Equal(["95 % over test images, these students given", "95 % over seeds", "mean difference"], traces.Select(trace => trace.GetProperty("name").GetString()));
        Assert.Equal(3, traces[2].GetProperty("x").GetArrayLength());
        Assert.Equal(9, traces[1].GetProperty("x").GetArrayLength());
        Assert.DoesNotContain(UCurveTests.Traces(Charts.Differences(SampleComparison.Of(seeds: 1))), trace => trace.GetProperty("name").GetString() == "95 % over seeds");
        Assert.Throws<SpectralKDException>(() => Charts.LayerGains(SampleComparison.Of()));
        Assert.Contains("did you mean deit_nano_patch8_64?", Assert.Throws<SpectralKDException>(() => Charts.AccuracyByEpoch(SampleComparison.Of(), "deit_nano_patch8_46")).Message);
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

    [Fact]
    public void Dynamics_show_levels_where_they_are_not_divided_by_the_maximum()
    {
        var levels = UCurveTests.Traces(Charts.Dynamics(Teacher, Student, Student, normalize: false));

        Assert.Equal(Student.Intensities, UCurveTests.Numbers(levels[1], "y"));
        Assert.Equal(1, UCurveTests.Numbers(UCurveTests.Traces(Charts.Dynamics(Teacher, Student, Student))[1], "y").Max(), 1e-12);
    }

    [Fact]
    public void The_table_of_distances_says_before_and_after()
    {
        Assert.Equal(["before", "after"], Moments(DistillationDynamics.Of(Teacher, Student, Student)));
        Assert.Equal(["before", "after 1", "after 2"], Moments(DistillationDynamics.Of(Teacher, [Student, Student, Student])));

        static IEnumerable<string> Moments(DistillationDynamics dynamics) => dynamics.ToDataFrame()["when"].Cast<string>().Distinct();
    }

    [Fact]
    public void Distances_are_drawn_before_and_after_with_their_means()
    {
        var dynamics = DistillationDynamics.Of(Teacher, [SampleSpectra.U(depth: 0.2), Student, Teacher with { Blocks = Student.Blocks }]);
        var traces = UCurveTests.Traces(Charts.LayerDistances(dynamics));

        Assert.Equal(2, traces.Count);
        Assert.Equal(dynamics.Distances.Where(entry => entry.Moment == 0).Select(entry => entry.Distance!.Value), UCurveTests.Numbers(traces[0], "y"));
        Assert.Equal(FormattableString.Invariant($"before: mean {dynamics.MeanDistances[0]:0.000}"), traces[0].GetProperty("name").GetString());
        Assert.StartsWith("after", traces[1].GetProperty("name").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_spectra_have_no_distance()
        => Assert.All(UCurveTests.Numbers(Assert.Single(UCurveTests.Traces(Charts.LayerDistances(Student, Student))), "y"), value => Assert.Equal(0, value, 1e-12));

    [Fact]
    public void Distances_over_training_have_a_row_for_each_block_a_column_for_each_moment_and_one_scale_for_all_runs()
    {
        var run = DistillationDynamics.Of(Teacher, [SampleSpectra.U(depth: 0.2), SampleSpectra.U(depth: 0.4), Student]);
        var panels = UCurveTests.Traces(Charts.DistanceHeatmap(run, run));

        Assert.Equal(2, panels.Count);
        Assert.All(panels, panel => Assert.Equal("coloraxis", panel.GetProperty("coloraxis").GetString()));
        Assert.Equal(12, panels[0].GetProperty("z").GetArrayLength());
        var last = run.Distances.Single(entry => entry is { Moment: 2, Block: 5 }).Distance!.Value;
        Assert.Equal(Math.Log10(last), panels[0].GetProperty("z")[5][2].GetDouble(), 1e-12);
        Assert.Contains("four runs", Assert.Throws<SpectralKDException>(() => Charts.DistanceHeatmap(run, run, run, run, run)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Maps_of_other_sizes_have_no_distance_and_the_error_says_so()
    {
        var coarse = Student with { Blocks = [.. Student.Blocks.Select(block => block with { Height = 7, Width = 28 })] };

        Assert.Contains("equal numbers of patches", Assert.Throws<SpectralKDException>(() => Charts.LayerDistances(Teacher, coarse)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "equal numbers of patches",
            Assert.Throws<SpectralKDException>(() => Charts.DistanceHeatmap(DistillationDynamics.Of(Teacher, [coarse]))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Seeds_of_one_method_share_a_colour_and_differ_in_their_dashes()
    {
        var traces = UCurveTests.Traces(Charts.Runs([Run("none, seed 0"), Run("soft, seed 0"), Run("none, seed 1"), Run("soft-seed1")]));
        var colours = traces.Select(trace => trace.GetProperty("line").GetProperty("color").GetString()).ToList();
        var dashes = traces.Select(trace => trace.GetProperty("line").GetProperty("dash").GetString()).ToList();

        Assert.Equal(colours[0], colours[2]);
        Assert.Equal(colours[1], colours[3]);
        Assert.NotEqual(colours[0], colours[1]);
        Assert.NotEqual(dashes[0], dashes[2]);
        Assert.NotEqual(dashes[1], dashes[3]);
    }

    [Fact]
    public void A_part_of_the_loss_has_a_last_value_but_no_best_one()
    {
        var name = Assert.Single(UCurveTests.Traces(Charts.Runs([Run("soft")], "train_loss_fft"))).GetProperty("name").GetString();

        Assert.Equal("soft: last 0.0123 at epoch 1", name);
    }

    [Theory]
    [InlineData(0.01, 3, "0.01 0.02 0.05 0.1 0.2 0.5 1 2")]
    [InlineData(0.491, 0.892, "0.5 0.6 0.7 0.8")]
    [InlineData(1.1, 1.3, "1.1 1.15 1.2 1.25 1.3")]
    [InlineData(0.904, 1.12, "0.95 1 1.05 1.1")]
    [InlineData(3, 3, "3 3")]
    [InlineData(1e-6, 1, "1E-06 1E-05 0.0001 0.001 0.01 0.1 1")]
    public void Colours_on_a_logarithmic_scale_have_round_ticks_also_in_a_narrow_range(double smallest, double largest, string ticks)
        => Assert.Equal(ticks, string.Join(' ', LogScale.Ticks(smallest, largest).Select(tick => FormattableString.Invariant($"{tick:G3}"))));

    private static RunLog Run(string name) => new()
    {
        Name = name,
        Kind = RunLogKind.Training,
        Table = EpochLog.ToDataFrame(
        [
            new EpochMetrics { Epoch = 0, LearningRate = 1e-3, Loss = 2, AlignmentLoss = 0.5, Top1 = 10 },
            new EpochMetrics { Epoch = 1, LearningRate = 1e-3, Loss = 1, AlignmentLoss = 0.0123, Top1 = 20 },
        ]),
    };

    private static string Axis(GenericChart chart)
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(chart));
        return figure.RootElement.GetProperty("layout").GetProperty("yaxis").GetProperty("title").GetProperty("text").GetString()!;
    }
}
