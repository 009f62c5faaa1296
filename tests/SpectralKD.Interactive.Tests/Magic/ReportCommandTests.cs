using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class ReportCommandTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-report-").FullName;

    public void Dispose()
    {
        (_host["model"] as IDisposable)?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

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
        Assert.Contains("The channel curve: ", text);
        Assert.All(report.Blocks, block => Assert.InRange(block.Spatial.Intensity, block.IntensityInterval!.Value.Low, block.IntensityInterval.Value.High));
        Assert.Superset(new HashSet<string> { "null_pixels", "null_channels", "null_gaussian", "null_channel_gaussian", "null_channel_layernorm", "channel_mean_share" }, report.ToDataFrame().Columns.Select(column => column.Name).ToHashSet());
        Assert.All(report.Blocks, block => Assert.Contains(block.Name, text));
    }

    [Fact]
    public async Task Parts_of_a_report_are_saved_merged_and_completed_by_the_whole()
    {
        var file = Path.Combine(_folder, "first.safetensors");
        foreach (var line in new[]
        {
            "#!spectral-model deit_nano_patch4_32 --weights seeded:2 --as model", "#!spectral-images textures --count 4 --size 32 --as images",
            "#!spectral-report --layers 0,-1 --batch 1 --per-image --as one", "#!spectral-report --layers 0,-1 --batch 1 --per-image --shard 1/2 --as first",
            "#!spectral-report --layers 0,-1 --batch 1 --per-image --shard 2/2 --as second", $"#!spectral-save first --to {file}",
            $"#!spectral-report --merge {file},second --as whole", "#!spectral-report --whole whole --batch 1 --as first",
            "#!spectral-report --whole whole --batch 1 --as second", "#!spectral-report --merge second,first --as both",
        })
        {
            await MagicLine.ExecuteAsync(line, _host);
        }

        var (one, whole, both) = ((SpectralReport)_host["one"]!, (SpectralReport)_host["whole"]!, (SpectralReport)_host["both"]!);
        Assert.False(whole.IsComplete);
        Assert.Contains("take a second pass over the images", new ReportView(whole).ToPlainText());
        Assert.Equal(one.ToDataFrame().ToCsv(), both.ToDataFrame().ToCsv());
        Assert.Equal(8, ((Microsoft.Data.Analysis.DataFrame)_host["oneImages"]!).Rows.Count);
    }
}
