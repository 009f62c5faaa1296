using System.Text.RegularExpressions;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Views;

/// <summary>What notebooks show, on light and dark pages and as text.</summary>
public partial class GroundsTests
{
    private static readonly SpectralKD.Distillation.TrainingProgress Now = new() { Phase = SpectralKD.Distillation.TrainingPhase.Training, Epochs = 2, StepsPerEpoch = 10, TotalSteps = 5 };

    public static TheoryData<string, object> All => new()
    {
        { "catalogue", CatalogueView.Of("nano") },
        { "commands", new CommandListView(MagicCommandTable.All) },
        { "one command", new CommandHelpView(MagicCommandTable.All[0]) },
        { "images", new ImagesView(SpectralKD.Data.Textures.Create(4, 32)) },
        { "message", MessageView.Skipped(["a.png: no image", "b.png: no image"]) },
        { "progress", new ProgressView("analysing", 3, 10, "images", TimeSpan.FromSeconds(2)) },
        { "table", new DataFrameView(Charting.SampleSpectra.U().ToDataFrame()) },
        { "training", new TrainingView("a from b", Now, [3, 2, 1], [new() { Epoch = 0, LearningRate = 1e-3, Loss = 2, Top1 = 10 }, new() { Epoch = 1, LearningRate = 1e-3, Loss = 2, Top1 = 12 }], ["slow"]) },
        { "spectrum", new SpectralKD.Interactive.Views.SpectrumView(Charting.SampleSpectra.U()) },
    };

    // Words without a colour of their own take the page's; a colour is the editor's or one that is seen on both.
    [Theory]
    [MemberData(nameof(All))]
    public void No_view_has_a_ground_or_a_colour_that_a_dark_page_or_a_light_one_would_hide(string name, object shown)
    {
        var html = ImageData().Replace(((INotebookView)shown).ToHtml(), "");

        Assert.DoesNotContain("background", html, StringComparison.OrdinalIgnoreCase);
        foreach (var colour in HexColour().Matches(html).Select(match => match.Groups[1].Value))
        {
            var grounds = new[] { Contrast(colour, 1), Contrast(colour, 0.012) };
            Assert.True(grounds.All(contrast => contrast > 3), $"{name}: #{colour} has contrasts of {grounds[0]:0.0} and {grounds[1]:0.0}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Every_view_reads_well_as_text(string name, object shown)
    {
        var text = ((INotebookView)shown).ToPlainText();

        Assert.False(string.IsNullOrWhiteSpace(text), name);
        Assert.DoesNotMatch("<[a-z/]+[ >]|&[a-z]+;|&#\\d+;", text);
    }

    private static double Contrast(string hex, double ground)
    {
        var light = hex.Length == 3 ? string.Concat(hex.Select(digit => $"{digit}{digit}")) : hex;
        var parts = Convert.FromHexString(light).Select(part => part / 255.0).Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4)).ToArray();
        var own = (0.2126 * parts[0]) + (0.7152 * parts[1]) + (0.0722 * parts[2]);
        return (Math.Max(own, ground) + 0.05) / (Math.Min(own, ground) + 0.05);
    }

    [GeneratedRegex("data:[^\"]*")]
    private static partial Regex ImageData();

    [GeneratedRegex("(?<!&)#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\\b")]
    private static partial Regex HexColour();
}
