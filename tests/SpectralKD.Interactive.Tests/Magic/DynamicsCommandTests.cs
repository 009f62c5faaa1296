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
        await MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder} --model deit_nano_patch4_32 --figures rank,kappa,intensity --out {_folder}/reports --as reports", _host);
        Assert.Equal(4, _host.Displayed.OfType<GenericChart>().Count() - training.Figures.Count - 2 - training.Figures.Count - 1);
        await MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder}/reports --figures all --as reports", _host);
        Assert.Superset(new HashSet<string> { "rank", "rankme", "participation", "alpha", "sep_50", "outlier_tokens", "rms", "kappa", "uniformity" }, ((TrainingSpectra)_host["reports"]!).Figures.ToHashSet());
        var lacking = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder}/spectra --figures rank", _host));
        Assert.Contains("these spectra hold no rank, only intensity", lacking.Message, StringComparison.Ordinal);
        var misspelt = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder} --figures kapa", _host));
        Assert.Contains("did you mean kappa?", misspelt.Message, StringComparison.Ordinal);
        var none = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {Directory.CreateDirectory(Path.Combine(_folder, "bare"))}", _host));
        Assert.Contains("no logs, but maybe checkpoints: say what they are of with --model", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Published_logs_and_entropies_become_curves_heatmaps_and_a_slider_over_the_checkpoints()
    {
        var logs = Directory.CreateDirectory(Path.Combine(_folder, "logs")).FullName;
        var entropies = Directory.CreateDirectory(Path.Combine(_folder, "entropies")).FullName;
        await File.WriteAllTextAsync(Path.Combine(logs, "soft.txt"), "{\"epoch\": 0, \"test_acc1\": 1.5}\n{\"epoch\": 1, \"test_acc1\": 3}\n");
        await File.WriteAllTextAsync(Path.Combine(logs, "aligned.txt"), "{\"epoch\": 0, \"test_acc1\": 2, \"train_loss_fft\": 0.5}\n");
        await File.WriteAllTextAsync(Path.Combine(entropies, "soft.csv"), "Model/Epoch,Layer_1,Layer_2\ncheckpoint_epoch_30,2,3\ncheckpoint_epoch_200,1,4\n");
        await File.WriteAllTextAsync(Path.Combine(entropies, "aligned.csv"), "Model/Epoch,Layer_1,Layer_2\ncheckpoint_epoch_30,2.5,3.5\n");

        await MagicLine.ExecuteAsync($"#!spectral-dynamics --checkpoints {_folder} --as published", _host);

        Assert.Equal(["aligned", "soft", "aligned", "soft"], ((IReadOnlyList<RunLog>)_host["published"]!).Select(run => run.Name));
        var charts = _host.Displayed.OfType<GenericChart>().Select(ChartHtml.FigureJson).ToList();
        Assert.Equal(4, charts.Count);
        Assert.Contains("Top-1 accuracy by epoch", charts[0]);
        Assert.Contains("Alignment loss by epoch", charts[1]);
        Assert.Contains("\"heatmap\"", charts[2]);
        using var slider = System.Text.Json.JsonDocument.Parse(charts[3]);
        var traces = slider.RootElement.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal([false, false, true, true], traces.Select(trace => trace.GetProperty("visible").GetBoolean()));
        Assert.Equal([1.0, 4], traces[3].GetProperty("y").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal(0, traces[2].GetProperty("y").GetArrayLength()); // aligned has no checkpoint 200
        Assert.Equal(["30", "200"], slider.RootElement.GetProperty("layout").GetProperty("sliders")[0].GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("label").GetString()));
    }

    [Fact]
    public async Task Before_without_after_is_refused_with_both_ways_to_ask()
        => Assert.Contains("or reads --checkpoints FOLDER", (await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-dynamics --before a", _host))).Message, StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
