using TorchSharp;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Forward passes to the logits beside their floor (<see cref="Floor"/>).
/// </summary>
internal static class ForwardBenchmark
{
    private static readonly string[] s_models = ["deit_tiny_patch16_224", "cait_xxs24_224", "swin_tiny_patch4_window7_224"];

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        foreach (var name in arguments.Model is { } one ? [one] : s_models)
        {
            using var model = ModelLoader.Load(name, new() { Weights = "seeded", Device = arguments.Device });
            model.eval();
            var floor = Floor.Forward(model.Spec, arguments.Device);
            foreach (var batch in arguments.Batches)
            {
                using var images = randn([batch, 3, model.Spec.ImageSize.Height, model.Spec.ImageSize.Height], device: arguments.Device);
                Variant[] own = [Interleaved.Here("ours", () => Forward(model, images), arguments.Device.type == DeviceType.CPU ? floor : null)];
                Variant[] peers = arguments.FoundPeer?.Variant("forward", "--model", name, "--batch", $"{batch}", "--count", $"{batch}", "--device", arguments.Device.ToString()) is { } peer
                    ? [peer] : [];
                yield return Interleaved.Run($"Forward of {name}, batches of {batch}", arguments.Rounds, "images", batch, [.. peers, .. own]);
            }
        }
    }

    private static void Forward(VisionModel model, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var mode = inference_mode();
        using var logits = model.call(images);
        _ = logits.flatten()[0].item<float>(); // on a GPU the work ends here
    }
}
