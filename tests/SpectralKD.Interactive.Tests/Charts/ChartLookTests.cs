using System.Text.Json;
using Plotly.NET;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>What all charts of a page share.</summary>
public class ChartLookTests
{
    private static readonly ModelSpectrum Student = SampleSpectra.U();
    private static readonly ModelSpectrum Teacher = SampleSpectra.U("cait_s24_224", 24, 0.6);
    private static readonly ModelSpectrum Untrained = UntrainedTests.Spectrum(UntrainedTests.Seeded);

    [Fact]
    public void A_model_has_one_colour_in_every_chart_whatever_its_place()
    {
        var alone = Colour(Line(Charts.UCurve(Student), Student.Model));

        Assert.Equal(alone, Colour(Line(Charts.UCurve([Teacher, Student]), Student.Model)));
        Assert.Equal(alone, Colour(Line(Charts.Entropy(Teacher, Student), Student.Model)));
        Assert.Equal(alone, Colour(Line(Charts.Dynamics(Teacher, Student, Student), "student after")));
        Assert.Equal(alone, Colour(Line(Charts.LayerDistances(Teacher, Student), Student.Model)));
        Assert.Equal(alone, Colour(Line(Charts.Layer(Student), "radial profile")));
        Assert.NotEqual(alone, Colour(Line(Charts.UCurve([Student, Teacher]), Teacher.Model)));
    }

    [Fact]
    public void What_is_untrained_is_dotted_and_hollow_what_was_before_is_dashed_and_both_have_the_models_colour()
    {
        var both = Charts.UCurve([Untrained, Student]);
        var (untrained, trained) = (Line(both, "deit_tiny_patch16_224 (UNTRAINED)"), Line(both, "deit_tiny_patch16_224: "));
        Assert.Equal(Colour(trained), Colour(untrained));
        Assert.Equal(("dot", "solid"), (Dash(untrained), Dash(trained)));
        Assert.EndsWith("-open", untrained.GetProperty("marker").GetProperty("symbol").GetString(), StringComparison.Ordinal);

        var dynamics = Charts.LayerDistances(DistillationDynamics.Of(Teacher, Student, Student with { Source = "after" }));
        Assert.Equal(Colour(Line(dynamics, "before")), Colour(Line(dynamics, "after")));
        Assert.Equal(("dash", "solid"), (Dash(Line(dynamics, "before")), Dash(Line(dynamics, "after"))));
    }

    [Fact]
    public void Nine_models_in_one_chart_begin_the_colours_again_and_eight_all_differ()
    {
        var spectra = Enumerable.Range(0, 8).Select(i => SampleSpectra.U($"model {i}")).ToList();

        Assert.Equal(8, Lines(Charts.UCurve(spectra)).Select(Colour).Distinct().Count());
        Assert.Equal(9, Lines(Charts.UCurve([.. spectra, Student])).Count);
    }

    [Fact]
    public void Epochs_go_from_one_colour_to_another_in_order()
    {
        var lines = Lines(Charts.UCurvesByEpoch(DistillationDynamics.Of(Teacher, [SampleSpectra.U(depth: 0.2), SampleSpectra.U(depth: 0.5), Student])));

        Assert.Equal(["#5f5fd3", "#c24d9a", "#e07b39", "#1f2933"], lines.Select(Colour));
        Assert.Equal(["before", "epoch 1", "epoch 2", "teacher: cait_s24_224"], lines.Select(line => line.GetProperty("name").GetString()));
    }

    [Fact]
    public void The_first_block_stands_below_in_every_heatmap_and_models_side_by_side_share_one_scale_without_frequency_0()
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.DepthFrequency([Student, Teacher])));
        var layout = figure.RootElement.GetProperty("layout");
        var all = new[] { Student, Teacher }.SelectMany(spectrum => spectrum.Blocks).SelectMany(block => block.RadialAmplitude!.Value.Skip(1)).ToList();

        Assert.False(layout.GetProperty("yaxis").TryGetProperty("autorange", out _));
        Assert.True(layout.GetProperty("xaxis").GetProperty("domain")[1].GetDouble() < layout.GetProperty("xaxis2").GetProperty("domain")[0].GetDouble());
        Assert.Equal(Math.Log10(all.Max()), layout.GetProperty("coloraxis").GetProperty("cmax").GetDouble(), 1e-12);
        Assert.Equal(Math.Log10(all.Min()), layout.GetProperty("coloraxis").GetProperty("cmin").GetDouble(), 1e-12);
        Assert.Contains("one to 4 models", Assert.Throws<SpectralKDException>(() => Charts.DepthFrequency([Student, Student, Student, Student, Student])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_band_is_the_interval_of_the_mean_by_students_t()
    {
        var block = Student.Blocks[3];
        var band = UCurveTests.Traces(Charts.UCurve(Student))[0];
        var upper = UCurveTests.Numbers(band, "y")[3];

        Assert.Equal(block.Intensity!.Value + (1.97202 * block.IntensityDeviation!.Value / Math.Sqrt(199)), upper, 1e-5); // t(0.975, 198)
    }

    [Fact]
    public void Curves_that_share_their_places_are_read_together_others_one_by_one()
    {
        Assert.Equal("x unified", Layout(Charts.UCurve([Student, SampleSpectra.U("other", depth: 0.3)]), "hovermode").GetString());
        Assert.Equal("closest", Layout(Charts.UCurve([Student, Teacher]), "hovermode").GetString());
    }

    [Fact]
    public void Names_stand_at_the_ends_of_the_curves_without_touching_and_in_a_legend_where_it_is_narrow()
    {
        var chart = Charts.UCurve([Student, SampleSpectra.U("other", depth: 1.19), SampleSpectra.U("third", depth: 1.18)]);
        var places = Layout(chart, "annotations").EnumerateArray().Select(note => note.GetProperty("y").GetDouble() * 305).Order().ToList();

        Assert.False(Layout(chart, "showlegend").GetBoolean());
        Assert.True(Layout(chart, "meta").GetProperty("narrow").GetProperty("showlegend").GetBoolean());
        Assert.All(places.Zip(places.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 33.9));
        Assert.True(Layout(Charts.UCurve([.. Enumerable.Range(0, 15).Select(i => SampleSpectra.U($"m{i}"))]), "showlegend").GetBoolean());
    }

    [Theory]
    [InlineData("0 1 2", "0 1 2")]
    [InlineData("0 5 11", "0 5 11")]
    [InlineData("0..24", "0 2 4 6 8 10 12 14 16 18 20 22")]
    [InlineData("0..40", "0 5 10 15 20 25 30 35")]
    public void Ticks_are_where_blocks_are(string blocks, string ticks)
    {
        var indices = blocks.Contains("..", StringComparison.Ordinal) ? Enumerable.Range(0, int.Parse(blocks[3..], null)) : blocks.Split(' ').Select(int.Parse);

        Assert.Equal(ticks, string.Join(' ', UCurveAxes.Ticks(indices)));
    }

    [Fact]
    public void Buttons_appear_while_hovering_only()
        => Assert.Contains("\"displayModeBar\":\"hover\"", ChartHtml.FigureOnly(ChartHtml.FigureJson(Charts.UCurve(Student))), StringComparison.Ordinal);

    private static JsonElement Layout(GenericChart chart, string name)
        => JsonDocument.Parse(ChartHtml.FigureJson(chart)).RootElement.GetProperty("layout").GetProperty(name);

    private static List<JsonElement> Lines(GenericChart chart) => [.. UCurveTests.Traces(chart).Where(trace => trace.TryGetProperty("marker", out _))];

    private static JsonElement Line(GenericChart chart, string name)
        => Lines(chart).First(trace => trace.GetProperty("name").GetString()!.StartsWith(name, StringComparison.Ordinal));

    private static string? Colour(JsonElement trace) => trace.GetProperty("line").GetProperty("color").GetString();

    [Fact]
    public void The_branches_of_a_model_have_colours_dashes_and_markers_of_their_own()
    {
        var stream = SampleSpectra.U("a model with branches");
        var looks = SeriesLook.OfModels([stream, stream with { At = MapPoint.Attn }, stream with { At = MapPoint.Mlp }, stream with { At = MapPoint.Mid }]);
        Assert.All(new Func<SeriesLook, string>[] { look => look.Colour, look => look.Dash, look => look.Symbol }, part => Assert.Equal(4, looks.Select(part).Distinct().Count()));
        Assert.Equal(SeriesLook.OfModels([stream])[0], looks[0]);
    }

    [Fact]
    public void A_runs_probe_says_its_number_of_images_once()
        => Assert.Equal("199 images of textures", UCurveText.Images(SampleSpectra.U() with { Source = "textures, probe of 199 images" }));

    [Fact]
    public void Few_epochs_have_a_tick_each_and_none_between()
    {
        using var figure = JsonDocument.Parse(ChartHtml.FigureJson(Charts.AccuracyByEpoch(SampleComparison.Of())));
        Assert.Equal(1, figure.RootElement.GetProperty("layout").GetProperty("xaxis").GetProperty("dtick").GetInt32());
    }

    private static string? Dash(JsonElement trace) => trace.GetProperty("line").GetProperty("dash").GetString();
}
