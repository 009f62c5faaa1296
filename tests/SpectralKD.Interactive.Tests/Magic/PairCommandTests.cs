using Microsoft.Data.Analysis;
using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class PairCommandTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-pairs-").FullName;

    [Fact]
    public async Task Two_models_stand_side_by_side_with_the_chosen_pairs_drawn_in()
    {
        await RunAsync(
            "#!spectral-model cait_nano_patch4_32 --weights seeded:1 --as teacher", "#!spectral-model deit_nano_patch4_32 --weights seeded --as student", "#!spectral-images textures --count 9 --size 32",
            "#!spectral-similarity --teacher teacher --student student --figure token-cka --batch 4 --as both");

        var both = Assert.IsType<ModelSimilarity>(_host["both"]);
        Assert.Equal(288, Assert.IsType<DataFrame>(_host["bothTable"]).Rows.Count);
        var json = ChartHtml.FigureJson(_host.Displayed.OfType<GenericChart>().Last());
        Assert.Contains("Which blocks find the same places alike?", json);
        Assert.Contains("chosen pairs", json);
        Assert.Contains("1 images were too few", _host.Displayed.OfType<MessageView>().Last().ToPlainText());
        SavedFile.Save(both, Path.Combine(_folder, "both.csv"));
        SavedFile.Save(both, Path.Combine(_folder, "both.svg"));
        Assert.StartsWith("student_block,student_name,teacher_block,teacher_name,cka,token_cka,r2,procrustes,grassmann", await File.ReadAllTextAsync(Path.Combine(_folder, "both.csv")));
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(_folder, "both.svg")));
        Assert.Equal(5, PairSetup.Charts(both, null).Count);
    }

    [Fact]
    public async Task Predictions_become_a_table_and_layers_are_chosen_by_them()
    {
        var recipe = Path.Combine(_folder, "recipe.json");
        await File.WriteAllTextAsync(recipe, """
            { "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "batch": 4, "device": "cpu", "data": { "train": "textures", "count": 8, "validationCount": 4, "size": 32 } }
            """);
        await RunAsync(
            $"#!spectral-predict {recipe} --count 8 --seeds 2 --first-epoch", "#!spectral-images textures --count 8 --size 32",
            "#!spectral-model cait_nano_patch4_32 --weights seeded:1 --as teacher", "#!spectral-model deit_nano_patch4_32 --weights seeded --as student",
            "#!spectral-analyze --model teacher --as one", "#!spectral-analyze --model student --as two",
            "#!spectral-select --teacher one --student two --strategy predicted --predictions predictions --by procrustes --count 2");

        var table = Assert.IsType<DataFrame>(_host["predictionsTable"]);
        Assert.All(["cka_sd", "gradient_affinity_epoch_1", "gradient_ratio_epoch_1_sd"], name => Assert.Contains(table.Columns, column => column.Name == name));
        Assert.Contains(_host.Displayed.OfType<MessageView>(), view => view.ToPlainText().Contains("knn and probe are missing", StringComparison.Ordinal));
        var best = table.Rows.OrderBy(row => Convert.ToDouble(row["procrustes"], null)).Take(2).Select(row => Convert.ToInt32(row["student_block"], null)).Order();
        Assert.Equal(best, Assert.IsType<LayerPairs>(_host["layers"]).StudentLayers);
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => RunAsync("#!spectral-select --teacher one --student two --strategy predicted --predictions one"));
        Assert.Contains("the variable one holds a ModelSpectrum, not predictions of layer pairs", error.Message);
    }

    [Fact]
    public void Predictors_are_drawn_with_the_verdict_and_a_similarity_without_tokens_is_refused()
    {
        var depths = Enumerable.Range(0, 6).Select(block => block / 5.0).ToArray();
        var study = LayerStudy.Of(new DataFrame(new DoubleDataFrameColumn("depth", depths), new DoubleDataFrameColumn("gain", [1.0, 0, 3, 2, 5, 4]), new DoubleDataFrameColumn("r2", [0.5, 0.1, 0.4, 0.2, 0.3, 0.9])));
        Assert.Contains("Did it know before training?", ChartHtml.FigureJson(Charts.Predictors(study)));
        Assert.Equal(2, study.ToDataFrame().Rows.Count);

        var block = new BlockInfo(0, "blocks.0", 8, 4, 4);
        var poor = new ModelSimilarity { Teacher = "t", Student = "s", Source = "i", Images = 4, Directions = 1, Notes = [], Pairs = [new BlockSimilarity(block, block, 0.5, null, null, null, null)] };
        Assert.Contains("compares token by token", Assert.Throws<SpectralKDException>(() => Charts.Similarity(poor, null, SimilarityFigure.R2)).Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task RunAsync(params string[] lines)
    {
        foreach (var line in lines)
        {
            await MagicLine.ExecuteAsync(line, _host);
        }
    }
}
