using Microsoft.Data.Analysis;
using Plotly.NET;
using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class SpectralCommandsTests : IDisposable
{
    private const string LoadModel = "#!spectral-model deit_nano_patch4_32 --weights seeded";
    private const string OpenImages = "#!spectral-images textures --count 10 --size 32";
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-commands-").FullName;

    [Fact]
    public async Task A_model_images_and_their_analysis_become_variables_a_table_and_a_chart()
    {
        await RunAsync(LoadModel, OpenImages, "#!spectral-analyze --batch 4");

        Assert.IsAssignableFrom<VisionModel>(_host["model"]);
        Assert.Equal(10, Assert.IsAssignableFrom<IImageSource>(_host["images"]).Count);
        var spectrum = Assert.IsType<ModelSpectrum>(_host["spectrum"]);
        Assert.Equal(10, spectrum.Images);
        Assert.Equal(12, Assert.IsType<DataFrame>(_host["spectrumTable"]).Rows.Count);
        Assert.Contains(_host.Displayed, shown => shown is DataFrame);
        Assert.IsType<GenericChart>(_host.Displayed[^1], exactMatch: false);
    }

    [Fact]
    public async Task An_analysis_of_an_untrained_model_says_so_in_a_line_of_its_own()
    {
        await RunAsync(LoadModel, OpenImages, "#!spectral-analyze");

        Assert.Contains(_host.Displayed, shown => shown is MessageView { Text: "deit_nano_patch4_32: UNTRAINED: initial weights, seed 0" });
    }

    [Fact]
    public async Task Variables_and_layers_can_be_chosen()
    {
        await RunAsync(
            LoadModel + " --as student", OpenImages + " --as photos",
            "#!spectral-analyze --model student --images @photos --layers 0,5..6,-1 --domain both --as few");
        Assert.Equal([0, 5, 6, 11], ((ModelSpectrum)_host["few"]!).Blocks.Select(b => b.Index));
    }

    [Fact]
    public async Task Several_curves_are_drawn_in_one_chart()
    {
        await RunAsync(LoadModel, OpenImages, "#!spectral-analyze --as a", "#!spectral-analyze --as b", "#!spectral-ucurve a,b --normalize");
        var json = ChartHtml.FigureJson((GenericChart)_host.Displayed[^1]);
        Assert.True(System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("data").GetArrayLength() >= 2);
    }

    [Fact]
    public async Task Unreadable_images_are_named_after_the_analysis()
    {
        var cats = Directory.CreateDirectory(Path.Combine(_folder, "cats")).FullName;
        File.WriteAllText(Path.Combine(cats, "not-an-image.jpg"), "this is text");
        File.WriteAllBytes(Path.Combine(cats, "sheet.png"), ContactSheet.Render(Textures.Create(4, 32), 4));

        await RunAsync(LoadModel, $"#!spectral-images \"{_folder}\"", "#!spectral-analyze");

        Assert.Contains("not-an-image.jpg", Assert.IsType<MessageView>(_host.Displayed[^1]).ToPlainText());
        Assert.Equal(1, ((ModelSpectrum)_host["spectrum"]!).Images);
    }

    [Theory]
    [InlineData("#!spectral-model deit_tny_patch16_224 --weights seeded", "deit_tiny_patch16_224")]
    [InlineData("#!spectral-model deit_nano_patch4_32 --weights seeded:x", "whole number as seed")]
    [InlineData("#!spectral-model deit_nano_patch4_32 --weights nowhere.safetensors", "nowhere.safetensors")]
    [InlineData("#!spectral-model deit_nano_patch4_32 --weights seeded --device tpu", "there is no device \"tpu\"")]
    [InlineData("#!spectral-images nowhere", "nowhere")]
    [InlineData("#!spectral-images textures --count many", "--count takes a whole number; found \"many\"")]
    [InlineData("#!spectral-analyze", "there is no variable model")]
    [InlineData("#!spectral-analyze --domain spatal", "did you mean spatial?")]
    [InlineData("#!spectral-ucurve", "needs --spectra")]
    [InlineData("#!spectral-layer 3", "#!spectral-layer takes a variable that holds a spectrum, found 3: a block's index goes by #!spectral-layer --layer 3")]
    [InlineData("#!spectral-layer -1", "#!spectral-layer --layer -1")]
    [InlineData("#!spectral-models swine", "did you mean swin?")]
    [InlineData("#!spectral-models *dinno*", "did you mean dino?")]
    [InlineData("#!spectral-models [", "matches \"[\"; it has")] // two letters are near to any
    [InlineData("#!spectral-models \"pvt tinny\"", "did you mean tiny?")]
    public async Task A_mistake_gets_one_line_that_says_what_to_do(string line, string said)
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(line, _host));
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task A_stopped_analysis_goes_on_from_the_file_that_resume_names_and_ends_in_the_same_bits()
    {
        var file = Path.Combine(_folder, "kept.json");
        await RunAsync(LoadModel, OpenImages, "#!spectral-analyze --batch 2 --as whole");
        using var stop = new CancellationTokenSource();
        var options = new SpectralOptions { BatchSize = 2, ResumeFile = file };
        var progress = new StopAfter(4, stop);
        Assert.Throws<OperationCanceledException>(() => SpectralAnalysis.Run((VisionModel)_host["model"]!, (IImageSource)_host["images"]!, options, progress, stop.Token));

        await RunAsync($"#!spectral-analyze --batch 2 --resume \"{file}\"", $"#!spectral-analyze --batch 2 --resume \"{file}\" --as again");
        Assert.Equal(((ModelSpectrum)_host["whole"]!).ToJson(), ((ModelSpectrum)_host["spectrum"]!).ToJson());
        Assert.Equal(((ModelSpectrum)_host["whole"]!).ToJson(), ((ModelSpectrum)_host["again"]!).ToJson());
        var other = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-analyze --batch 2 --layers 0 --resume \"{file}\"", _host));
        Assert.Contains("kept.json holds another analysis: its layers is", other.Message);
    }

    [Fact]
    public async Task Features_are_written_and_their_spectra_are_those_of_the_model()
    {
        var folder = Path.Combine(_folder, "features");
        await RunAsync(LoadModel, OpenImages, "#!spectral-analyze", $"#!spectral-features write --folder \"{folder}\"");
        Assert.Contains("10 images of textures through deit_nano_patch4_32", Assert.IsType<MessageView>(_host.Displayed[^1]).Text);
        var twice = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-features write --folder \"{folder}\"", _host));
        Assert.Contains("holds features already: --force", twice.Message);

        await RunAsync($"#!spectral-features analyze --folder \"{folder}\" --name mine --as read");
        var (read, taken) = ((ModelSpectrum)_host["read"]!, (ModelSpectrum)_host["spectrum"]!);
        Assert.Equal("mine", read.Model);
        Assert.All(taken.Intensities.Zip(read.Intensities), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-6));
        Assert.IsType<GenericChart>(_host.Displayed[^1], exactMatch: false);
    }

    [Fact]
    public async Task Recipes_are_listed_shown_and_explained()
    {
        await RunAsync("#!spectral-recipes", "#!spectral-recipes nano-deit-distilled", "#!spectral-recipes loss.tau --fields");
        var shown = _host.Displayed.Cast<INotebookView>().ToList();
        Assert.Contains("nano-deit-distilled", shown[0].ToHtml());
        Assert.Contains("#!spectral-recipes RECIPE shows one", shown[0].ToPlainText());
        Assert.Contains("\"student\": \"deit_nano_patch8_64\"", shown[1].ToPlainText());
        Assert.Contains("loss.tau", shown[2].ToHtml());
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-recipes nano-deit-distiled", _host));
        Assert.Contains("did you mean nano-deit-distilled?", error.Message);
    }

    [Fact]
    public async Task A_variable_of_another_type_is_told_from_the_right_ones()
    {
        await RunAsync(OpenImages + " --as photos");
        _host["model"] = "deit";
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-analyze --images photos", _host));
        Assert.Contains("the variable model holds a String, not a model", error.Message);
    }

    [Fact]
    public async Task A_cancelled_analysis_stops_and_leaves_the_variables_as_they_were()
    {
        await RunAsync(LoadModel, OpenImages);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => MagicLine.ExecuteAsync("#!spectral-analyze", _host, cancelled.Token));
        Assert.DoesNotContain(_host.Variables, v => v.Name == "spectrum");
    }

    [Theory]
    [InlineData("all", null)]
    [InlineData("0,5..7 -1", new[] { 0, 5, 6, 7, -1 })]
    [InlineData("10..", new[] { 10, 11 })]
    public void Lists_of_blocks_are_read(string text, int[]? blocks) => Assert.Equal(blocks, LayerList.Parse(text, 12));

    [Theory]
    [InlineData("first")]
    [InlineData("3..1")]
    [InlineData("1..2..3")]
    public void What_is_no_list_of_blocks_is_refused(string text) =>
        Assert.Contains("no list of blocks", Assert.Throws<SpectralKDException>(() => LayerList.Parse(text, 12)).Message);

    /// <summary>Stops an analysis once so many images are done.</summary>
    private sealed class StopAfter(int images, CancellationTokenSource stop) : IProgress<AnalysisProgress>
    {
        public void Report(AnalysisProgress value)
        {
            if (value.Done >= images)
            {
                stop.Cancel();
            }
        }
    }

    public void Dispose()
    {
        foreach (var (name, _) in _host.Variables)
        {
            (_host[name] as IDisposable)?.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task RunAsync(params string[] lines)
    {
        foreach (var line in lines)
        {
            await MagicLine.ExecuteAsync(line, _host);
        }
    }
}
