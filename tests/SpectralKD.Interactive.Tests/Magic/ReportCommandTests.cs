using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class ReportCommandTests : IDisposable
{
    private readonly FakeHost _host = new();

    public void Dispose() => (_host["model"] as IDisposable)?.Dispose();

    [Fact]
    public async Task A_report_shows_its_words_its_table_and_two_charts()
    {
        foreach (var line in new[]
        {
            "#!spectral-model deit_nano_patch4_32 --weights seeded:2 --as model", "#!spectral-images textures --count 9 --size 32 --as images",
            "#!spectral-report --layers 0,3,5,7,-1 --as report",
        })
        {
            await MagicLine.ExecuteAsync(line, _host);
        }

        var report = (SpectralReport)_host["report"]!;
        var charts = _host.Displayed.OfType<GenericChart>().Select(ChartHtml.FigureJson).ToList();
        Assert.Contains(report, _host.Displayed);
        Assert.Contains("intensity = RMS", charts[^2]);
        Assert.Contains("Gaussian of equal covariance", charts[^1]);
        Assert.Contains("channels in random order", ChartHtml.FigureJson(Charts.Nulls(report, SpectralDomain.Channel)));
        var text = new ReportView(report).ToPlainText();
        Assert.Contains("95 % interval", text);
        Assert.All(report.Blocks, block => Assert.Contains(block.Name, text));
    }
}
