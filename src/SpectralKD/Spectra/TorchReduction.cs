using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>Reduces feature maps to sums with torch's own operations, on the device that holds them, in float64.</summary>
internal static class TorchReduction
{
    /// <summary>Number of bins of the activation entropy, as in the reference.</summary>
    internal const int EntropyBins = 100;

    /// <summary>Reduces one batch of maps.</summary>
    /// <param name="map"><c>[B, C, H, W]</c>, any floating type, any device.</param>
    /// <param name="domain">The transforms to take.</param>
    /// <param name="findRange">Whether to look for the smallest and largest activation.</param>
    /// <param name="entropyRange">Range of the activation entropy's bins; null without it.</param>
    internal static MapSums Reduce(Tensor map, SpectralDomain domain, bool findRange, ActivationRange? entropyRange)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var x = map.detach().to(float64); // [B, C, H, W]
        var (amplitude, power) = domain.HasFlag(SpectralDomain.Spatial) ? Spatial(x) : (null, null);
        return new MapSums
        {
            Images = (int)x.shape[0],
            Amplitude = Values(amplitude),
            Power = Values(power),
            Channel = Values(domain.HasFlag(SpectralDomain.Channel) ? Channel(x) : null),
            Minimum = Values(findRange ? x.amin([1, 2, 3]) : null),
            Maximum = Values(findRange ? x.amax([1, 2, 3]) : null),
            EntropyBits = Values(entropyRange is null ? null : EntropyBits(x, entropyRange)),
        };
    }

    private static (Tensor Amplitude, Tensor Power) Spatial(Tensor x)
    {
        var amplitude = fft.rfft2(x, norm: FFTNormType.Ortho).abs(); // [B, C, H, W/2+1]
        var power = amplitude.square().sum(1); // [B, H, W/2+1]
        return (amplitude.sum(1), power);
    }

    private static Tensor Channel(Tensor x)
        => fft.rfft(x.flatten(2).transpose(1, 2).contiguous(), dim: -1).abs().sum(1); // [B, H*W, C] -> [B, C/2+1]

    private static Tensor EntropyBits(Tensor x, ActivationRange range)
    {
        var tokens = x.flatten(2).transpose(1, 2); // [B, N, C]
        var (batch, count, channels) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var span = Math.Max(range.Maximum - range.Minimum, double.Epsilon);
        var bins = ((tokens - range.Minimum) * (EntropyBins / span)).nan_to_num(0).floor().clamp(0, EntropyBins - 1).to(int64);
        var counts = zeros([batch, count, EntropyBins], float64, x.device)
            .scatter_add_(2, bins, ones([1, 1, 1], float64, x.device).expand(batch, count, channels));
        var shares = counts / channels;
        return special.entr(shares).sum([1, 2]) / Math.Log(2); // [B]
    }

    private static double[] Values(Tensor? tensor)
        => tensor is null ? [] : tensor.cpu().contiguous().data<double>().ToArray();
}
