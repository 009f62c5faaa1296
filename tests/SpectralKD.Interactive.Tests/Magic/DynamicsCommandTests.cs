using Plotly.NET;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class DynamicsCommandTests : IDisposable
{
    private readonly FakeHost _host = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-dynamics-").FullName;

    [Fact]
    public async Task A_folder_of_checkpoints_becomes_a_slider_a_heatmap_of_every_figure_and_the_distance_to_a_teacher()
    {
        foreach (var seed in new[] { 2, 10 })
        {
            using var model = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = $"seeded:{seed}" });
            ModelLoader.Save(model, Path.Combine(_folder, $"epoch-{seed}.safetensors"));
        }

        _host["images"] = ImageSources.Open("textures", 3, 32);
        using var teacher = ModelLoader.Load("cait_nano_patch4_32", new ModelLoadOptions { Weights = "seeded" });
        _host["teacher"] = SpectralAnalysis.Run(teacher, (IImageSource)_host["images"]!, cancellation: TestContext.Current.CancellationToken);
        await MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder} --model deit_nano_patch4_32 --teacher teacher --out {_folder}/spectra", _host);

        var training = (TrainingSpectra)_host["dynamics"]!;
        Assert.Equal(["epoch-2", "epoch-10"], training.Moments);
        Assert.Equal(24, ((Microsoft.Data.Analysis.DataFrame)_host["dynamicsTable"]!).Rows.Count);
        Assert.Equal(training.Figures.Count + 2, _host.Displayed.OfType<GenericChart>().Count());

        await MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder}/spectra --as again", _host);
        Assert.Equal(training.Spectra.Select(spectrum => spectrum.Intensities[0]), ((TrainingSpectra)_host["again"]!).Spectra.Select(spectrum => spectrum.Intensities[0]));
        var none = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {Directory.CreateDirectory(Path.Combine(_folder, "bare"))}", _host));
        Assert.Contains("say what they are of with --model", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_without_after_is_refused_with_both_ways_to_ask()
        => Assert.Contains("or reads --checkpoints FOLDER", (await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-dynamics --before a", _host))).Message, StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
