using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Collects the intensities of single images into <see cref="ImageIntensities"/>.</summary>
internal sealed class IntensityTally
{
    private readonly SortedDictionary<int, long> _bins = [];
    private double _sum;
    private double _squares;

    internal void Add(double intensity)
    {
        _sum += intensity;
        _squares += intensity * intensity;
        if (intensity > 0)
        {
            var bin = ImageIntensities.BinOf(intensity);
            _bins[bin] = _bins.GetValueOrDefault(bin) + 1;
        }
    }

    internal ImageIntensities ToIntensities()
        => new() { Sum = _sum, Squares = _squares, Bins = _bins.ToImmutableSortedDictionary() };
}
