using System.Collections.Immutable;
using System.Globalization;

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

/// <summary>
/// Running sum of the activation entropy (SpectralKD's released analysis): Shannon entropy in bits of each token's C activations, counted
/// in 100 equal bins over a range common to all blocks.
/// </summary>
public sealed record EntropySums
{
    /// <summary>The bins' outer edges; values beyond them count in the first or last bin.</summary>
    public required ActivationRange Range { get; init; }

    /// <summary>Sum of the tokens' entropies, bits.</summary>
    public required double Bits { get; init; }

    /// <summary>Number of tokens summed: images * H * W.</summary>
    public required long Tokens { get; init; }

    internal EntropySums Plus(EntropySums other) => this with { Bits = Bits + other.Bits, Tokens = Tokens + other.Tokens };
}

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

    /// <summary>
    /// The bootstrap's sums: of each of 200 resamples of the images, in whole multiples of 2^-32; the resamples' numbers of images are <see cref="ModelSpectrum.ResampledImages"/>.
    /// Null where that was not recorded (files of earlier versions) or a sum would be above 2^31.
    /// </summary>
    public ImmutableArray<long>? Resampled { get; init; }

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

        return new() { Sum = Sum + other.Sum, Squares = Squares + other.Squares, Bins = bins.ToImmutable(), Resampled = Resampled.Plus(other.Resampled) };
    }
}

/// <summary>Smallest and largest activation of all analysed blocks and images: the outer edges of the entropy's 100 bins.</summary>
/// <param name="Minimum">Smallest value, finite.</param>
/// <param name="Maximum">Largest value, finite, not less than the smallest.</param>
public sealed record ActivationRange(double Minimum, double Maximum)
{
    /// <summary>Reads a range as it is typed: <c>-12.5,20</c>.</summary>
    /// <exception cref="SpectralKDException">The text is not two finite numbers, the smaller one first.</exception>
    public static ActivationRange Parse(string text)
    {
        var ends = text.Split(',').Select(Number).ToArray();
        return ends is [{ } low, { } high] && low < high ? new ActivationRange(low, high) : throw new SpectralKDException(
            $"\"{text}\" is no range of activations; write two finite numbers, the smaller one first, for example -12.5,20");
    }

    /// <summary>The range that covers both.</summary>
    public ActivationRange Union(ActivationRange other)
        => new(Math.Min(Minimum, other.Minimum), Math.Max(Maximum, other.Maximum));

    /// <summary>The range as <see cref="Parse"/> reads it, without loss.</summary>
    public override string ToString() => FormattableString.Invariant($"{Minimum:R},{Maximum:R}");

    private static double? Number(string text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;
}
