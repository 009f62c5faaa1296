using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class CompareCommandTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-compare-").FullName;

    [Fact]
    public async Task A_comparison_is_trained_and_shown_as_a_table_with_its_charts_and_read_again()
    {
        var file = Path.Combine(_folder, "comparison.json");
        await File.WriteAllTextAsync(file, """
            {
              "note": "tiny", "seeds": 5,
              "base": {
                "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "epochs": 1, "batch": 4, "device": "cpu", "align": false,
                "data": { "train": "textures", "count": 4, "validationCount": 6, "size": 32 }
              },
              "methods": { "labels": { "loss": { "method": "none" } }, "soft": {} }
            }
            """);
        await MagicLine.ExecuteAsync($"#!spectral-compare {file} --out {_folder}/runs --seeds 2 --as both", _host);

        var result = (ComparisonResult)_host["both"]!;
        Assert.Equal((2, 4), (result.Rows.Count, result.Outcomes.Count));
        Assert.Equal(2, ((Microsoft.Data.Analysis.DataFrame)_host["bothTable"]!).Rows.Count);
        var text = Assert.Single(_host.Displayed.OfType<ComparisonView>()).ToPlainText();
        Assert.Contains("tiny (4 of 4 runs; differences to labels)", text);
        Assert.Contains("the baseline", text);
        Assert.Contains(result.Rows[1].Verdict, text);
        Assert.Equal(3, _host.Displayed.OfType<GenericChart>().Count());
        Assert.Contains("4 of 4 runs finished", Assert.Single(_host.Displayed.OfType<ComparisonProgressView>()).ToPlainText());

        await MagicLine.ExecuteAsync($"#!spectral-compare {file} --out {_folder}/runs --gather", _host);
        Assert.Equal(result.Rows.Select(row => row.Verdict), ((ComparisonResult)_host["comparison"]!).Rows.Select(row => row.Verdict));
        SavedFile.Save(result, Path.Combine(_folder, "table.csv"));
        Assert.Equal(3, (await File.ReadAllLinesAsync(Path.Combine(_folder, "table.csv"))).Length);
    }

    [Theory]
    [InlineData("nano-deit-alone", "nano-deit-alone is a recipe, with nothing to compare: give --sweep layers")]
    [InlineData("nano-deit-alone --sweep layers", "a sweep over layers needs a recipe with a teacher")]
    [InlineData("textures-smal", "there is no comparison 'textures-smal'; did you mean textures-small?")]
    [InlineData("textures-small --sweep depth", "--sweep takes one of none, layers")]
    [InlineData("textures-small --seeds 0", "--seeds must be at least 1, but is 0")]
    [InlineData("textures-small --jobs 0", "0 jobs train nothing")]
    [InlineData("textures-small --gather", "there is no comparison.json in")]
    public async Task What_cannot_be_compared_is_said(string line, string expected)
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-compare {line} --out {_folder}/none", _host));
        Assert.Contains(expected, error.Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
