using Plotly.NET;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Charting;

public class UntrainedTests
{
    private const string Loud = "deit_tiny_patch16_224 (UNTRAINED)";

    internal static readonly ModelOrigin Seeded = new() { Kind = WeightsKind.Seeded, Name = "seed 3" };

    private static readonly ModelOrigin Hub = new()
    {
        Kind = WeightsKind.Hub,
        Name = "timm/deit_tiny_patch16_224.fb_in1k",
        Revision = "0123456789abcdef",
        Notes = ["the head is fresh"],
    };

    public static TheoryData<string, Func<ModelSpectrum, GenericChart>> ChartsOfOneModel => new()
    {
        { "u-curve", spectrum => Charts.UCurve(spectrum) },
        { "heatmap", spectrum => Charts.DepthFrequency(spectrum) },
        { "histogram", spectrum => Charts.Histogram(spectrum) },
        { "layer", spectrum => Charts.Layer(spectrum) },
        { "entropy", spectrum => Charts.Entropy(spectrum) },
    };

    [Theory]
    [MemberData(nameof(ChartsOfOneModel))]
    public void The_subtitle_says_untrained_and_the_seed_or_where_the_weights_came_from(string name, Func<ModelSpectrum, GenericChart> draw)
    {
        var (untrained, trained) = (ChartText.Of(draw(Spectrum(Seeded))), ChartText.Of(draw(Spectrum(Hub))));

        Assert.True(untrained.Contains(Loud, StringComparison.Ordinal) && untrained.Contains("UNTRAINED: initial weights, seed 3", StringComparison.Ordinal), $"{name}: {untrained}");
        Assert.Contains("weights timm/deit_tiny_patch16_224.fb_in1k of the hub, revision 0123456", trained, StringComparison.Ordinal);
        Assert.DoesNotContain("UNTRAINED", trained, StringComparison.Ordinal);
    }

    [Fact]
    public void The_legend_of_every_chart_of_several_models_says_untrained()
    {
        var (teacher, student) = (Spectrum(Hub, "cait_s24_224"), Spectrum(Seeded));
        GenericChart[] charts =
        [
            Charts.UCurve([teacher, student]), Charts.Entropy(teacher, student), Charts.LayerDistances(teacher, student), Charts.Dynamics(teacher, student, student),
            Charts.Pairs(teacher, student, LayerPairs.Select(teacher, student)),
        ];

        Assert.All(charts, chart => Assert.Contains(Loud, ChartHtml.FigureJson(chart), StringComparison.Ordinal));
        Assert.Contains($"{Loud} from cait_s24_224 · ", ChartText.Of(charts[^1]), StringComparison.Ordinal);
        Assert.Contains("before (UNTRAINED)", ChartHtml.FigureJson(Charts.LayerDistances(DistillationDynamics.Of(teacher, student, Spectrum(Hub)))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_renamed_spectrum_stays_untrained()
        => Assert.Contains(
            "DeiT (UNTRAINED)", ChartHtml.FigureJson(Charts.UCurve([Spectrum(Seeded) with { Model = "DeiT" }, Spectrum(Hub)])), StringComparison.Ordinal);

    [Fact]
    public void The_card_of_a_model_says_what_was_loaded_not_what_is_published()
    {
        using var model = ModelLoader.Load("deit_tiny_patch16_224", new() { Weights = "seeded:3" });
        var (html, text) = (ModelCardView.Of(model).ToHtml(), ModelCardView.Of(model).ToPlainText());
        Assert.Contains(">UNTRAINED</b>", html, StringComparison.Ordinal);
        Assert.Contains("UNTRAINED: initial weights, seed 3", text, StringComparison.Ordinal);
        Assert.DoesNotContain("timm/", html + text, StringComparison.Ordinal);

        model.Origin = Hub;
        text = ModelCardView.Of(model).ToPlainText();
        Assert.Contains("weights timm/deit_tiny_patch16_224.fb_in1k of the hub, revision 0123456789abcdef (apache-2.0)", text, StringComparison.Ordinal);
        Assert.Contains("the head is fresh", text, StringComparison.Ordinal);
        Assert.DoesNotContain("UNTRAINED", text + ModelCardView.Of(model).ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_displayed_spectrum_and_its_table_say_where_the_weights_came_from()
    {
        Assert.Contains($"{Loud} 199 images", new SpectrumView(Spectrum(Seeded)).ToPlainText(), StringComparison.Ordinal);
        Assert.Contains("weights timm/deit_tiny", new SpectrumView(Spectrum(Hub)).ToHtml(), StringComparison.Ordinal);
        Assert.Equal("UNTRAINED: initial weights, seed 3", Spectrum(Seeded).ToDataFrame()["weights"][11]);
    }

    [Fact]
    public void A_file_is_named_without_its_folder_where_room_is_short()
    {
        var origin = new ModelOrigin { Kind = WeightsKind.File, Name = "/data/a/very/long/path/best.safetensors", Sha256 = new string('a', 64) };

        Assert.Equal("weights of best.safetensors (SHA-256 aaaaaaaaaaaa…)", origin.Brief);
        Assert.Contains("/data/a/very/long/path/best.safetensors", origin.Words, StringComparison.Ordinal);
    }

    internal static ModelSpectrum Spectrum(ModelOrigin origin, string model = "deit_tiny_patch16_224")
        => SampleSpectra.U(model, model.StartsWith("cait", StringComparison.Ordinal) ? 24 : 12) with
        {
            Parts =
            [
                new SpectrumPart
                {
                    Model = model, Weights = origin, WeightsHash = "", NumberType = "Float32", Device = "cpu", Source = "imagenet-sample", Images = 199,
                    Contents = "", Version = "", LibTorch = "",
                },
            ],
        };
}
