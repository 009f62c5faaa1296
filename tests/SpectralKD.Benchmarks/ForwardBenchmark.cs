using System.Diagnostics;
using TorchSharp;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Forward passes to the logits beside their floor: what the multiply-adds of a model would take at the rate of the best matrix product seen here.
/// </summary>
internal static class ForwardBenchmark
{
    private static readonly string[] s_models = ["deit_tiny_patch16_224", "cait_xxs24_224", "swin_tiny_patch4_window7_224"];

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        var rate = Rate(arguments.Device);
        Console.WriteLine(FormattableString.Invariant($"floor: {rate / 1e9:0} GFLOP/s, the best of some products [1576, 192] x [192, 768]"));
        foreach (var name in arguments.Model is { } one ? [one] : s_models)
        {
            using var model = ModelLoader.Load(name, new() { Weights = "seeded", Device = arguments.Device });
            model.eval();
            var floor = 2.0 * model.Spec.Count().MultiplyAdds / rate;
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

    /// <summary>Operations a second of one core (or the GPU), the highest of many short trials: noise only takes away.</summary>
    private static double Rate(Device device)
    {
        const int Calls = 10;
        using var left = randn([1576, 192], device: device);
        using var right = randn([192, 768], device: device);
        var best = double.MaxValue;
        for (var trial = 0; trial < 40; trial++)
        {
            var clock = Stopwatch.StartNew();
            for (var call = 0; call < Calls; call++)
            {
                using var product = mm(left, right);
                _ = call == Calls - 1 ? product[0, 0].item<float>() : 0;
            }

            best = Math.Min(best, clock.Elapsed.TotalSeconds / Calls);
        }

        return 2.0 * 1576 * 192 * 768 / best / (device.type == DeviceType.CPU ? get_num_threads() : 1);
    }
}
