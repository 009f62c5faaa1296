using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Distillation;

public sealed class TrainingSpectraTests : IDisposable
{
    private const string Nano = "deit_nano_patch8_64";
    private readonly TemporaryFolder folder = new();
    private readonly IImageSource images = ImageSources.Open("textures", count: 4, size: 64);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Checkpoints_of_any_training_are_taken_in_the_order_of_their_numbers_and_copies_are_left_out_with_a_word()
    {
        foreach (var (name, seed) in new[] { ("checkpoint-10", 3), ("checkpoint-9", 2), ("checkpoint-1", 1), ("last", 3) })
        {
            Keep(seed, name + ".safetensors");
        }

        await File.WriteAllTextAsync(folder.File("args.yaml"), "batch_size: 1", TestContext.Current.CancellationToken);
        var training = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["checkpoint-1", "checkpoint-9", "checkpoint-10"], training.Moments);
        Assert.Contains("last left out", Assert.Single(training.Notes), StringComparison.Ordinal);
        using var tenth = ModelLoader.Load(Nano, new ModelLoadOptions { Weights = "seeded:3" });
        Assert.Equal(SpectralAnalysis.Run(tenth, images, cancellation: TestContext.Current.CancellationToken).Intensities, training.Spectra[2].Intensities);
        var table = training.ToDataFrame();
        Assert.Equal(3 * 12, table.Rows.Count);
        Assert.Equal("checkpoint-9", table["checkpoint"][12]);
        Assert.Equal(training.Spectra[1].Intensities[0], table["intensity"][12]);
        Assert.Contains("intensity", training.Figures);
        Assert.DoesNotContain("channel_intensity", training.Figures); // not analysed
        Assert.Equal(3, training.Towards(training.Spectra[0]).MeanDistances.Count);
    }

    [Fact]
    public async Task Checkpoints_in_a_folder_each_are_read_as_the_trainer_of_transformers_leaves_them()
    {
        foreach (var step in new[] { 500, 1000 })
        {
            Directory.CreateDirectory(folder.File($"checkpoint-{step}"));
            Keep(step, $"checkpoint-{step}/model.safetensors");
            await File.WriteAllTextAsync(folder.File($"checkpoint-{step}/optimizer.pt"), "state of the optimiser", TestContext.Current.CancellationToken);
        }

        Directory.CreateDirectory(folder.File("runs"));
        Assert.Equal(["checkpoint-500", "checkpoint-1000"], CheckpointFolder.Open(folder.Root).Checkpoints.Select(one => one.Name));
    }

    [Fact]
    public async Task What_is_kept_of_a_checkpoint_is_not_computed_again_and_that_of_other_images_is()
    {
        Keep(1, "epoch1.safetensors");
        Keep(2, "epoch2.safetensors");
        var kept = folder.File("spectra");
        var first = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, keep: kept, cancellation: TestContext.Current.CancellationToken);
        File.Delete(Path.Combine(kept, "epoch2.json"));
        (first.Spectra[0] with { Model = "the one that was kept" }).Save(Path.Combine(kept, "epoch1.json"));
        var second = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, keep: kept, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["the one that was kept", Nano], second.Spectra.Select(spectrum => spectrum.Model));
        Assert.Equal(first.Spectra[1].Intensities, second.Spectra[1].Intensities);
        var fewer = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, ImageSources.Open("textures", 3, 64), keep: kept, cancellation: TestContext.Current.CancellationToken);
        Assert.All(fewer.Spectra, spectrum => Assert.Equal((Nano, 3), (spectrum.Model, spectrum.Images)));
        Assert.Equal(["epoch1", "epoch2"], TrainingSpectra.Load(kept).Moments);
    }

    [Fact]
    public async Task Reports_of_checkpoints_are_kept_beside_their_spectra_and_only_what_lacks_is_computed()
    {
        Keep(1, "epoch1.safetensors");
        Keep(2, "epoch2.safetensors");
        var (kept, options) = (folder.File("spectra"), new SpectralOptions { Layers = [0, -1] });
        var first = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, options: options, keep: kept, report: true, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal((double)first.Reports[1]["rank"][1], first.ToDataFrame()["rank"][3]);
        File.Delete(Path.Combine(kept, "epoch2.csv"));
        (first.Spectra[0] with { Model = "the one that was kept" }).Save(Path.Combine(kept, "epoch1.json"));
        var second = await TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, options: options, keep: kept, report: true, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["the one that was kept", Nano], second.Spectra.Select(spectrum => spectrum.Model));
        foreach (var figure in new[] { "rank", "alpha", "sep_50", "kappa", "outlier_tokens" })
        {
            Assert.Equal(Enumerable.Range(0, 4).Select(row => first.ToDataFrame()[figure][row]), Enumerable.Range(0, 4).Select(row => TrainingSpectra.Load(kept).ToDataFrame()[figure][row]));
        }
    }

    [Fact]
    public async Task A_checkpoint_of_another_model_is_named_and_a_folder_without_any_says_what_was_expected()
    {
        var none = Assert.Throws<SpectralKDException>(() => CheckpointFolder.Open(folder.Root));
        Assert.Contains("holds no weights", none.Message, StringComparison.Ordinal);
        Keep(1, "a-1.safetensors");
        using (var other = ModelLoader.Load("cait_nano_patch8_64", new ModelLoadOptions { Weights = "seeded" }))
        {
            ModelLoader.Save(other, folder.File("a-2.safetensors"));
        }

        var error = await Assert.ThrowsAsync<SpectralKDException>(() => TrainingSpectra.AnalyseAsync(Nano, folder.Root, images, cancellation: TestContext.Current.CancellationToken));
        Assert.StartsWith("checkpoint a-2: ", error.Message, StringComparison.Ordinal);
        Assert.Throws<SpectralKDException>(() => TrainingSpectra.Load(folder.Root));
    }

    private void Keep(int seed, string name)
    {
        using var model = ModelLoader.Load(Nano, new ModelLoadOptions { Weights = $"seeded:{seed}" });
        ModelLoader.Save(model, folder.File(name));
    }
}
