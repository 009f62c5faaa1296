
namespace SpectralKD.Benchmarks;

/// <summary>What the spectra cost on top of the model: images in memory, against the bare forward passes to the logits.</summary>
internal static class AnalysisBenchmark
{
    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        var (name, size) = (arguments.Model ?? "deit_tiny_patch16_224", arguments.Batches[0]);
        using var model = ModelLoader.Load(name, new() { Weights = "seeded" });
        model.eval();
        var side = model.Spec.ImageSize.Height;
        manual_seed(1);
        var batches = Enumerable.Range(0, arguments.Images).Chunk(size)
            .Select(chunk => new AnalysisBatch(randn([chunk.Length, 3, side, side]).DetachFromDisposeScope())).ToArray();
        var floor = Floor.Forward(model.Spec, CPU);
        var range = SpectralAnalysis.Run(model, batches, "noise", new SpectralOptions { Domain = SpectralDomain.Channel }).Activations!;

        yield return Interleaved.Run(
            $"Analysis of {name}, {arguments.Images} images in memory, batches of {size}",
            arguments.Rounds,
            "images",
            arguments.Images,
            Interleaved.Here("forward passes alone", () => Forward(model, batches), floor),
            Interleaved.Here("spatial domain", Analysis(SpectralDomain.Spatial, null, false), floor),
            Interleaved.Here("channel domain, no entropy", Analysis(SpectralDomain.Channel, null, false), floor),
            Interleaved.Here("both domains, no entropy", Analysis(SpectralDomain.Both, null, false), floor),
            Interleaved.Here("both domains, entropy over a given range", Analysis(SpectralDomain.Both, range, true), floor),
            Interleaved.Here("both domains, entropy over the images' range (two passes)", Analysis(SpectralDomain.Both, null, true), 2 * floor));
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
