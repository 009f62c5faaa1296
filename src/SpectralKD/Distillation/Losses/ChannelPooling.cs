using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>
/// Averages a teacher's channels down to the student's number as <c>adaptive_avg_pool3d(x, (Cs, None, None))</c> does: channel k averages
/// teacher channels floor(k Ct / Cs) up to ceil((k + 1) Ct / Cs) - 1. Bins overlap where Ct is no multiple of Cs.
/// </summary>
internal static class ChannelPooling
{
    /// <summary>The map with <paramref name="channels"/> channels; the map itself where it has no more than these.</summary>
    /// <param name="channels">Cs, at least 1.</param>
    /// <param name="map">Feature map <c>[B, Ct, H, W]</c>, float32 or float64.</param>
    public static Tensor To(long channels, Tensor map)
    {
        var (batch, own, height, width) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        if (own <= channels)
        {
            return map;
        }

        if (own % channels == 0)
        {
            return map.reshape(batch, channels, own / channels, height, width).mean([2]); // (B, Cs, H, W)
        }

        var weights = tensor(Weights(channels, own), [1, channels, own], dtype: map.dtype, device: map.device).expand(batch, channels, own);
        return weights.bmm(map.reshape(batch, own, height * width)).reshape(batch, channels, height, width);
    }

    // Row k holds 1 / (bin's size) at the bin's channels, (Cs, Ct).
    private static double[] Weights(long channels, long own)
    {
        var weights = new double[channels * own];
        for (long k = 0; k < channels; k++)
        {
            var (first, end) = (k * own / channels, (((k + 1) * own) + channels - 1) / channels);
            Array.Fill(weights, 1.0 / (end - first), (int)((k * own) + first), (int)(end - first));
        }

        return weights;
    }
}
