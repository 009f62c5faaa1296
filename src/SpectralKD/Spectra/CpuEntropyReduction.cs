using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>
/// The activation entropy of float maps on the CPU by counting, token by token: torch's way through indices and a scatter costs a quarter of
/// a forward pass.
/// </summary>
internal static class CpuEntropyReduction
{
    /// <summary>Whether maps are on the CPU and held by float32 without loss.</summary>
    internal static bool Suits(Tensor map) => map.device.type == DeviceType.CPU && map.dtype != ScalarType.Float64;

    /// <summary>Sums of the tokens' entropies in bits, one for each image.</summary>
    /// <param name="map"><c>[B, C, H, W]</c>.</param>
    /// <param name="range">Range of the bins; values beyond it count in the outer ones.</param>
    internal static double[] Reduce(Tensor map, ActivationRange range)
    {
        using var scope = NewDisposeScope();
        var values = map.detach().to(float32).permute(0, 2, 3, 1).contiguous(); // [B, H, W, C], the tokens' own order
        var (batch, channels) = ((int)values.shape[0], (int)values.shape[3]);
        var perImage = (int)(values.shape[1] * values.shape[2]) * channels;
        var terms = Enumerable.Range(0, channels + 1).Select(count => Term((double)count / channels)).ToArray();
        var bits = new double[batch];
        Parallel.For(0, batch, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, get_num_threads()) }, image =>
            bits[image] = Image(MemoryMarshal.Cast<byte, float>(values.bytes).Slice(image * perImage, perImage), channels, range, terms));
        return bits;
    }

    private static double Image(ReadOnlySpan<float> values, int channels, ActivationRange range, double[] terms)
    {
        var scale = TorchReduction.EntropyBins / Math.Max(range.Maximum - range.Minimum, double.Epsilon);
        Span<int> counts = stackalloc int[TorchReduction.EntropyBins];
        var bits = 0.0;
        for (var first = 0; first < values.Length; first += channels)
        {
            counts.Clear();
            foreach (var value in values.Slice(first, channels))
            {
                counts[Bin((value - range.Minimum) * scale)]++;
            }

            foreach (var count in counts)
            {
                bits += terms[count];
            }
        }

        return bits;
    }

    // Not a number goes into the first bin; the analysis refuses it elsewhere.
    private static int Bin(double place)
        => place >= TorchReduction.EntropyBins - 1 ? TorchReduction.EntropyBins - 1 : place > 0 ? (int)place : 0;

    private static double Term(double share) => share > 0 ? -share * Math.Log2(share) : 0;
}
