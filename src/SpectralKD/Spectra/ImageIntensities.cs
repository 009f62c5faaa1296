using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// How the spectral intensity spreads over the images of one block: sums for mean and standard deviation, and a histogram in
/// logarithmic bins. Both add up over disjoint images.
/// </summary>
public sealed record ImageIntensities
{
    /// <summary>Bins of the histogram in each decade: every bin is 1.8 % wide.</summary>
    public const int BinsPerDecade = 128;

    /// <summary>No images yet.</summary>
    public static ImageIntensities Empty { get; } = new() { Sum = 0, Squares = 0, Bins = ImmutableSortedDictionary<int, long>.Empty };

    /// <summary>Sum of the images' intensities.</summary>
    public required double Sum { get; init; }

    /// <summary>Sum of their squares.</summary>
    public required double Squares { get; init; }

    /// <summary>
    /// Number of images in each bin that has any: bin <c>k</c> holds intensities from <c>10^(k / 128)</c> up to <c>10^((k + 1) / 128)</c>.
    /// Intensities of zero are in no bin.
    /// </summary>
    public required ImmutableSortedDictionary<int, long> Bins { get; init; }

    /// <summary>Lower edge of a bin.</summary>
    public static double LowerEdge(int bin) => Math.Pow(10, bin / (double)BinsPerDecade);

    /// <summary>The bin that holds an intensity above zero.</summary>
    public static int BinOf(double intensity) => (int)Math.Floor(Math.Log10(intensity) * BinsPerDecade);

    /// <summary>Standard deviation over images (n - 1 in the divisor); 0 for a single image.</summary>
    /// <param name="images">Number of images summed.</param>
    public double StandardDeviation(long images)
        => images < 2 ? 0 : Math.Sqrt(Math.Max(0, (Squares - (Sum * Sum / images)) / (images - 1)));

    internal ImageIntensities Plus(ImageIntensities other)
    {
        var bins = Bins.ToBuilder();
        foreach (var (bin, count) in other.Bins)
        {
            bins[bin] = bins.GetValueOrDefault(bin) + count;
        }

        return new() { Sum = Sum + other.Sum, Squares = Squares + other.Squares, Bins = bins.ToImmutable() };
    }
}
