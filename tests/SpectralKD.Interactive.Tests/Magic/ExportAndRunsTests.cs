using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class ExportAndRunsTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-export-").FullName;

    [Theory]
    [InlineData("torchrun", "torchrun --standalone --nproc_per_node=4 main.py")]
    [InlineData("slurm", "#SBATCH --gpus-per-node=4")]
    public async Task A_built_in_recipe_or_a_run_is_exported_into_a_variable(string form, string line)
    {
        await RunAsync($"#!spectral-export paper-deit-tiny --to {form} --gpus 4 --as command");
        Assert.Contains(line, Assert.IsType<string>(_host["command"]));
        Assert.Equal(_host["command"], Assert.IsType<CodeView>(_host.Displayed[^1]).Text);

        _host["run"] = new DistillationRun { Name = "run", Epochs = [], Recipe = RecipeLibrary.Get("paper-deit-tiny") };
        await RunAsync($"#!spectral-export run --to {form} --gpus 4 --as again");
        Assert.Equal(_host["command"], _host["again"]);
    }

    [Fact]
    public async Task What_cannot_run_there_gives_no_text()
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => RunAsync("#!spectral-export nano-deit-distilled"));
        Assert.Contains("nothing was written, for the recipe cannot run there: timm has no model deit_nano_patch8_64", error.Message);
        Assert.False(_host.TryGetVariable("exported", out _));
        Assert.Contains("did you mean nano-deit-distilled?", (await Assert.ThrowsAsync<SpectralKDException>(() => RunAsync("#!spectral-export nano-deit-distiled"))).Message);
    }

    [Fact]
    public async Task A_folder_of_logs_is_loaded_whole_and_what_is_no_log_is_named()
    {
        const string Line = "{\"train_lr\": 1e-3, \"train_loss\": 2.5, \"test_acc1\": 10, \"epoch\": 0}\n";
        await File.WriteAllTextAsync(Path.Combine(_folder, "SoftKD.txt"), Line, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "SpectralKD.txt"), Line + Line.Replace("\"epoch\": 0", "\"epoch\": 1", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "readme.txt"), "what these are", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "SoftKD.csv"), "checkpoint,Layer_1,Layer_2\ncheckpoint_0,5.1,5.2\n", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.Combine(_folder, "own"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "own", "log.txt"), Line, TestContext.Current.CancellationToken);

        await RunAsync($"#!spectral-runs \"{_folder}\"");
        Assert.Equal(["SoftKD", "SoftKD", "SpectralKD", "own"], Assert.IsType<IReadOnlyList<RunLog>>(_host["runs"], exactMatch: false).Select(log => log.Name));
        Assert.Contains("readme.txt", Assert.Single(_host.Displayed.OfType<MessageView>()).Details[0]);
        Assert.Equal(2, _host.Displayed.OfType<Plotly.NET.GenericChart>().Count());
    }

    [Fact]
    public void Help_of_save_says_which_object_takes_which_ending()
    {
        var words = MagicCommandTable.Find("#!spectral-save").Parameters.Single(parameter => parameter.Name == "--to").Description;
        Assert.All([".json", ".csv", ".arrow", ".parquet", ".html", ".svg", ".png", ".pdf", ".safetensors", "spectrum", "table", "layer pairs", "run", "comparison", "dynamics", "chart", "images", "model"], word => Assert.Contains(word, words));
        var error = Assert.Throws<SpectralKDException>(() => SavedFile.Save(new Microsoft.Data.Analysis.DataFrame(), "x.no"));
        Assert.EndsWith("it takes .csv, .arrow, .parquet", error.Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task RunAsync(string line) => await MagicLine.ExecuteAsync(line, _host, TestContext.Current.CancellationToken);
}
