using System.Net;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Views;

public class RunViewTests
{
    private static readonly DistillationRun Run = new()
    {
        Name = "deit_nano_patch8_64",
        Finished = true,
        Steps = 30,
        Epochs =
        [
            new EpochMetrics { Epoch = 0, LearningRate = 2e-3, Loss = 2.25, LabelLoss = 2.25, Top1 = 12, Seconds = 2, ImagesPerSecond = 100 },
            new EpochMetrics { Epoch = 1, LearningRate = 1e-3, Loss = 2, LabelLoss = 2, Top1 = 15.5, Seconds = 1, ImagesPerSecond = 200 },
        ],
    };

    [Fact]
    public void A_tables_numbers_stay_beside_their_spread_and_its_sentences_keep_room()
    {
        var html = new TextTable("method", "top-1 %", "verdict").Add("soft", "12.0 ± 1.4", "no difference found: 0.7 ± 2.1 points, 3 seeds").ToHtml();
        Assert.Matches("<td style=\"[^\"]*white-space:nowrap\">12.0 ± 1.4</td>", WebUtility.HtmlDecode(html));
        Assert.Matches("<td style=\"[^\"]*min-width:14em\">no difference", html);
        Assert.DoesNotMatch("<td style=\"[^\"]*(nowrap|min-width)[^\"]*\">soft", html);
    }

    [Fact]
    public void A_run_says_its_time_once_and_its_rate_as_the_mean_over_that_time()
    {
        var text = new RunView(Run).ToPlainText();

        Assert.StartsWith(
            "deit_nano_patch8_64 is complete after 2 epochs, 30 steps in 3.0 s at 133 images/s; best top-1 15.50 % in epoch 1", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Split("images/s").Length - 1);
    }

    [Fact]
    public void Losses_that_a_run_does_not_have_get_no_column()
    {
        var text = new RunView(Run).ToPlainText();

        Assert.Contains("labels", text, StringComparison.Ordinal);
        Assert.DoesNotContain("alignment", text, StringComparison.Ordinal);
        Assert.DoesNotContain("KD  ", text, StringComparison.Ordinal);
    }
}
