using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// Running sums of one block's channel spectra: the magnitude of the unscaled transform over the channels. Sums, not means, so that those
/// of disjoint images add up to those of all.
/// </summary>
public sealed record ChannelSums
{
    /// <summary>Sum over images, rows and columns of <c>|fft(X over C)|</c>, unscaled, C values, frequency 0 first.</summary>
    public required ImmutableArray<double> Magnitude { get; init; }

    /// <summary>The images' own intensities (the mean of <c>|fft(X over C)| / C</c> of each).</summary>
    public required ImageIntensities Intensities { get; init; }

    internal ChannelSums Plus(ChannelSums other) => new()
    {
        Magnitude = Magnitude.Plus(other.Magnitude),
        Intensities = Intensities.Plus(other.Intensities),
    };
}
