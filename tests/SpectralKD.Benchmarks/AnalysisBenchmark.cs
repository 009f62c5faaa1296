using static TorchSharp.torch;

namespace SpectralKD.Benchmarks;

/// <summary>What the spectra cost on top of the model: images in memory, against the bare forward passes to the logits.</summary>
internal static class AnalysisBenchmark
{
    public static void Run(BenchmarkArguments arguments)
    {
        using var model = ModelLoader.Load(arguments.Model, new() { Weights = "seeded" });
        model.eval();
        var size = model.Spec.ImageSize;
        manual_seed(1);
        var batches = Enumerable.Range(0, arguments.Images).Chunk(arguments.Batch)
            .Select(chunk => new AnalysisBatch(randn([chunk.Length, 3, size, size]).DetachFromDisposeScope())).ToArray();
        var range = SpectralAnalysis.Run(model, batches, "noise", new SpectralOptions { Domain = SpectralDomain.Channel }).Activations!;

        Interleaved.Run(
            $"Analysis of {arguments.Model}, {arguments.Images} images in memory, batches of {arguments.Batch}",
            arguments.Rounds,
            "images",
            arguments.Images,
            ("forward passes alone", () => Forward(model, batches)),
            ("spatial domain", Analysis(SpectralDomain.Spatial, null, false)),
            ("channel domain, no entropy", Analysis(SpectralDomain.Channel, null, false)),
            ("both domains, no entropy", Analysis(SpectralDomain.Both, null, false)),
            ("both domains, entropy over a given range", Analysis(SpectralDomain.Both, range, true)),
            ("both domains, entropy over the images' range (two passes)", Analysis(SpectralDomain.Both, null, true)));
        batches.ToList().ForEach(batch => batch.Images.Dispose());

        Action Analysis(SpectralDomain domain, ActivationRange? entropy, bool withEntropy) => () => SpectralAnalysis.Run(
            model, batches, "noise", new SpectralOptions { Domain = domain, EntropyRange = entropy, ActivationEntropy = withEntropy });
    }

    private static void Forward(VisionModel model, AnalysisBatch[] batches)
    {
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            using var mode = inference_mode();
            model.call(batch.Images);
        }
    }
}
