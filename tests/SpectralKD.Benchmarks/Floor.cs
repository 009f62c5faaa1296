using System.Diagnostics;
using TorchSharp;

namespace SpectralKD.Benchmarks;

/// <summary>
/// What the multiply-adds of models would take at the rate of the best matrix product seen here: seconds of CPU time, or of a GPU's. A pass with its gradients
/// counts as three, for each product has two in the way back.
/// </summary>
internal static class Floor
{
    private static readonly Dictionary<string, double> Rates = [];

    /// <summary>Seconds for one image forwards.</summary>
    public static double Forward(ModelSpec model, Device device) => 2.0 * model.Count().MultiplyAdds / Rate(device);

    /// <summary>Seconds of a training step: the teacher forwards (unless its answers are kept), the student both ways.</summary>
    public static double Step(ModelSpec student, ModelSpec? teacher, int batch, Device device) =>
        batch * ((3 * Forward(student, device)) + (teacher is null ? 0 : Forward(teacher, device)));

    /// <summary>Operations a second of one core (or the GPU), the highest of many short trials: noise only takes away. Measured once.</summary>
    private static double Rate(Device device)
    {
        if (Rates.TryGetValue(device.ToString(), out var known))
        {
            return known;
        }

        const int Calls = 10;
        using var left = randn([1576, 192], device: device);
        using var right = randn([192, 768], device: device);
        var best = double.MaxValue;
        for (var trial = 0; trial < 40; trial++)
        {
            var (clock, busy) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            for (var call = 0; call < Calls; call++)
            {
                using var product = mm(left, right);
                _ = call == Calls - 1 ? product[0, 0].item<float>() : 0;
            }

            // A processor's time, not the clock's: others may use it too.
            best = Math.Min(best, (device.type == DeviceType.CPU ? Environment.CpuUsage.TotalTime - busy : clock.Elapsed).TotalSeconds / Calls);
        }

        var rate = 2.0 * 1576 * 192 * 768 / best;
        Console.WriteLine(FormattableString.Invariant($"floor: {rate / 1e9:0} GFLOP/s, the best of some products [1576, 192] x [192, 768]"));
        return Rates[device.ToString()] = rate;
    }
}
