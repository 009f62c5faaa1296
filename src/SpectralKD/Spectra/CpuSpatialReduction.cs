using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>Spatial sums of float maps on the CPU, image by image on as many threads as torch has: each image's sums are the same bits always.</summary>
internal static class CpuSpatialReduction
{
    private static readonly ConcurrentDictionary<(int Height, int Width), ConcurrentBag<SpatialTransform>> Idle = new();

    /// <summary>Whether maps are small enough, on the CPU, and held by float32 without loss.</summary>
    internal static bool Suits(Tensor map)
        => map.device.type == DeviceType.CPU && map.dtype != ScalarType.Float64 && Math.Max(map.shape[2], map.shape[3]) <= SpatialTransform.LargestSide;

    /// <summary>Sums over channels, B x (H * (W / 2 + 1)) each.</summary>
    internal static (double[] Amplitude, double[] Power) Reduce(Tensor map)
    {
        using var scope = NewDisposeScope();
        var values = map.detach().to(float32).permute(0, 2, 3, 1).contiguous(); // [B, H, W, C], the tokens' own order
        var (batch, height, width, channels) = ((int)values.shape[0], (int)values.shape[1], (int)values.shape[2], (int)values.shape[3]);
        var cells = height * ((width / 2) + 1);
        var (amplitude, power) = (new double[batch * cells], new double[batch * cells]);
        var idle = Idle.GetOrAdd((height, width), _ => []);
        Parallel.For(0, batch, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, get_num_threads()) }, image =>
        {
            var transform = idle.TryTake(out var found) ? found : new SpatialTransform(height, width);
            var pixels = MemoryMarshal.Cast<byte, float>(values.bytes).Slice(image * height * width * channels, height * width * channels);
            transform.Reduce(pixels, channels, amplitude.AsSpan(image * cells, cells), power.AsSpan(image * cells, cells));
            idle.Add(transform);
        });
        return (amplitude, power);
    }
}
