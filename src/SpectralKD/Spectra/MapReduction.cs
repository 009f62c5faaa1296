using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>Reduces a batch of feature maps in slices of a few images, so that temporaries stay small whatever the batch.</summary>
internal static class MapReduction
{
    private const long CpuElements = 1L << 20;
    private const long AcceleratorElements = 1L << 25;

    internal static IEnumerable<(int FirstImage, MapSums Sums)> Slices(
        Tensor map, SpectralDomain domain, bool findRange, ActivationRange? entropyRange)
    {
        var batch = map.shape[0];
        var perImage = map.shape[1] * map.shape[2] * map.shape[3];
        var limit = map.device.type == DeviceType.CPU ? CpuElements : AcceleratorElements;
        var step = Math.Clamp(limit / perImage, 1, batch);
        for (long first = 0; first < batch; first += step)
        {
            using var slice = map.narrow(0, first, Math.Min(step, batch - first));
            yield return ((int)first, CpuReduction.Suits(slice)
                ? CpuReduction.Reduce(slice, domain, findRange, entropyRange)
                : TorchReduction.Reduce(slice, domain, findRange, entropyRange));
        }
    }
}
