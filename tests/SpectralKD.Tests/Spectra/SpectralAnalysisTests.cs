using TorchSharp;

namespace SpectralKD.Tests.Spectra;

public sealed class SpectralAnalysisTests : IDisposable
{
    private readonly VisionModel _model;
    private readonly IImageSource _images = Textures.Create(14, 32);

    public SpectralAnalysisTests()
    {
        LibTorch.EnsureLoaded();
        _model = ModelCatalog.Create("deit_nano_patch4_32");
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_model_and_images_give_the_spectra_of_all_blocks()
    {
        var spectrum = SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 5 });

        Assert.Equal((14, 12, 12), (spectrum.Images, spectrum.Blocks.Length, spectrum.Depth));
        Assert.Equal("deit_nano_patch4_32", spectrum.Model);
        Assert.Equal("blocks.3", spectrum.Blocks[3].Name);
        Assert.All(spectrum.Blocks, block => Assert.True(block.Intensity > 0 && block.Uniformity is > 0 and <= 1));
    }

    [Fact]
    public void A_model_that_was_disposed_of_is_named()
    {
        var model = ModelCatalog.Create("deit_nano_patch4_32");
        model.Dispose();
        var error = Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(model, _images, new SpectralOptions()));
        Assert.Equal("deit_nano_patch4_32 was disposed of; load it again", error.Message);
    }

    [Fact]
    public void Batch_size_and_workers_do_not_matter()
    {
        var one = SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 14, Domain = SpectralDomain.Spatial });
        var two = SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 3, Workers = 1, Domain = SpectralDomain.Spatial });

        foreach (var (a, b) in one.Blocks.Zip(two.Blocks))
        {
            // The model's own float32 products may round differently for other batch sizes.
            Assert.Equal(a.Intensity!.Value, b.Intensity!.Value, 1e-6 * a.Intensity.Value);
        }
    }

    [Theory]
    [InlineData("deit_tiny_patch16_224", DeviceType.CPU, 8)]
    [InlineData("cait_xxs24_224", DeviceType.CPU, 8)]
    [InlineData("swin_tiny_patch4_window7_224", DeviceType.CPU, 2)]
    [InlineData("deit_nano_patch8_64", DeviceType.CPU, 32)]
    [InlineData("swin_tiny_patch4_window7_224", DeviceType.CUDA, 64)]
    public void A_batch_is_as_large_as_suits_the_model_and_its_device(string model, DeviceType device, int batch) =>
        Assert.Equal(batch, AnalysisBatchSize.Of(ModelCatalog.Find(model).Spec, device));

    [Fact]
    public void The_batch_that_is_chosen_gives_the_figures_of_one_that_is_asked_for()
    {
        var chosen = SpectralAnalysis.Run(_model, _images);
        var asked = SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 3 });

        Assert.All(chosen.Blocks.Zip(asked.Blocks), pair => Assert.Equal(pair.First.Intensity!.Value, pair.Second.Intensity!.Value, 1e-6 * pair.First.Intensity.Value));
    }

    [Fact]
    public void Only_the_asked_layers_are_analysed_and_depth_stays_the_models()
    {
        var spectrum = SpectralAnalysis.Run(_model, _images, new SpectralOptions { Layers = [-1, 0, 0] });

        Assert.Equal([0, 11], spectrum.Blocks.Select(block => block.Index));
        Assert.Equal(12, spectrum.Depth);
        Assert.Contains("only 2 of", Assert.Throws<SpectralKDException>(() => LayerPairs.Select(spectrum, spectrum)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_channel_domain_brings_the_activation_entropy_in_two_passes()
    {
        var reports = new List<AnalysisProgress>();
        var spectrum = SpectralAnalysis.Run(
            _model, _images, new SpectralOptions { Domain = SpectralDomain.Channel, BatchSize = 7 }, new Immediate(reports.Add));

        Assert.All(spectrum.Blocks, block => Assert.InRange(block.ActivationEntropy!.Value, 0.1, Math.Log2(100)));
        Assert.Equal(spectrum.Activations, spectrum.Blocks[0].Entropy!.Range);
        Assert.Equal([(1, 7L), (1, 14L), (2, 7L), (2, 14L)], reports.Select(report => (report.Pass, report.Done)));
        Assert.Equal(1, reports[^1].Fraction);
    }

    [Fact]
    public void Parts_of_a_data_set_merge_into_the_whole()
    {
        var options = new SpectralOptions { Domain = SpectralDomain.Both, BatchSize = 1, EntropyRange = new ActivationRange(-6, 6) };
        var whole = SpectralAnalysis.Run(_model, _images, options);
        var parts = Enumerable.Range(1, 3).Select(part => SpectralAnalysis.Run(_model, _images, options with { Shard = new DataShard(part, 3) }));

        TestSpectra.AssertClose(whole, ModelSpectrum.Merge(parts));
    }

    [Fact]
    public void The_model_keeps_its_mode_and_no_tensor_is_left()
    {
        _model.train();
        SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 7 });
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 4 });

        Assert.True(_model.training);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Double_and_half_precision_models_are_analysed_in_their_own_precision()
    {
        var single = SpectralAnalysis.Run(_model, _images).Blocks[5].Intensity!.Value;
        _model.to(float64);
        var wide = SpectralAnalysis.Run(_model, _images).Blocks[5].Intensity!.Value;
        _model.to(bfloat16);
        var narrow = SpectralAnalysis.Run(_model, _images).Blocks[5].Intensity!.Value;

        Assert.Equal(wide, single, 1e-5 * wide);
        Assert.Equal(wide, narrow, 2e-2 * wide);
        Assert.NotEqual(wide, narrow, 1e-7 * wide);
    }

    [Fact]
    public void A_layer_that_does_not_exist_an_empty_source_and_another_device_are_errors_in_words()
    {
        Assert.Contains("12 blocks", Message(new SpectralOptions { Layers = [12] }), StringComparison.Ordinal);
        Assert.Contains("is on cpu", Message(new SpectralOptions { Device = new Device(DeviceType.CUDA, 1) }), StringComparison.Ordinal);
        Assert.Contains("no images in part 20/20", Message(new SpectralOptions { Shard = new DataShard(20, 20) }), StringComparison.Ordinal);
        Assert.Contains("no images", Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(_model, [], "an empty stream")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nan_in_the_weights_names_the_block_and_the_image()
    {
        using (no_grad())
        {
            _model.get_parameter("blocks.4.mlp.fc2.bias")!.fill_(float.NaN);
        }

        var message = Message(new SpectralOptions());
        Assert.Contains("blocks.4:", message, StringComparison.Ordinal);
        Assert.Contains(_images.ItemName(0), message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_is_heeded_between_two_batches()
    {
        using var stop = new CancellationTokenSource();
        var progress = new Immediate(_ => stop.Cancel());

        Assert.ThrowsAny<OperationCanceledException>(() => SpectralAnalysis.Run(_model, _images, new SpectralOptions { BatchSize = 2 }, progress, stop.Token));
    }

    private string Message(SpectralOptions options) => Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(_model, _images, options)).Message;

    private sealed class Immediate(Action<AnalysisProgress> report) : IProgress<AnalysisProgress>
    {
        public void Report(AnalysisProgress value) => report(value);
    }
}
