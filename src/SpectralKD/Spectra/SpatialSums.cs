using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// Running sums of one block's spatial spectra: <c>F = fft2(X, norm = ortho)</c> over H and W, <c>A = |F|</c>. Sums, not means, so that
/// those of disjoint images add up to those of all.
/// </summary>
public sealed record SpatialSums
{
    /// <summary>
    /// Sum of A over images and channels, H * W values, row-major and fftshifted: zero frequency at <c>[H / 2][W / 2]</c>.
    /// </summary>
    public required ImmutableArray<double> Amplitude { get; init; }

    /// <summary>Sum of A squared over images and channels, laid out as <see cref="Amplitude"/>.</summary>
    public required ImmutableArray<double> Power { get; init; }

    /// <summary>The images' own intensities (the mean of A of each).</summary>
    public required ImageIntensities Intensities { get; init; }

    internal SpatialSums Plus(SpatialSums other) => new()
    {
        Amplitude = Amplitude.Plus(other.Amplitude),
        Power = Power.Plus(other.Power),
        Intensities = Intensities.Plus(other.Intensities),
    };
}
