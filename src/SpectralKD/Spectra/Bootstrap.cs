using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// The bootstrap over images: how a mean would come out with other draws of as many images. Resample r counts an image as often as a Poisson variable of mean 1 says, which
/// depends on the seed, r and the image's place in its source alone: parts of a data set therefore add up to exactly what one run gives, and nothing is kept for an image.
/// </summary>
/// <remarks>
/// Poisson instead of multinomial counts: the number of images of a resample varies, too, which means do not feel (Hanley and MacGibbon, Computers in Biology and Medicine
/// 2006; Chamandy et al., Google 2012). Sums are whole multiples of 2^-32, so that their order does not matter.
/// </remarks>
internal static class Bootstrap
{
    /// <summary>Number of resamples.</summary>
    internal const int Resamples = 200;

    /// <summary>Fewer images give resamples that are too much alike for an interval.</summary>
    internal const int FewestImages = 8;

    private const long Seed = 0;
    private const double Unit = 1.0 / (1L << 32);
    private const double OuterPart = 0.025;

    // Chances of at most 0, 1, 2 … events at a mean of 1, as 64-bit fractions. Beyond 12 lies one draw in 6e10.
    private static readonly ulong[] AtMost = [.. Enumerable.Range(0, 13).Select(n => (ulong)(Enumerable.Range(0, n + 1).Sum(k => Math.Exp(-1) / Factorial(k)) * ulong.MaxValue))];

    /// <summary>How often each resample counts an image.</summary>
    /// <param name="source">What tells the image's source from others.</param>
    /// <param name="place">The image's place in it.</param>
    internal static byte[] Counts(long source, long place)
    {
        var random = new CounterRandom(Seed, source, place);
        var counts = new byte[Resamples];
        for (var i = 0; i < counts.Length; i++)
        {
            var bits = random.NextBits();
            while (counts[i] < AtMost.Length && bits > AtMost[counts[i]])
            {
                counts[i]++;
            }
        }

        return counts;
    }

    /// <summary>Adds an image's value to the resamples' sums.</summary>
    /// <returns>False where a sum would be too large.</returns>
    internal static bool TryAdd(long[] sums, double value, byte[] counts)
    {
        var part = Math.Round(value / Unit);
        if (!(Math.Abs(part) < long.MaxValue / 256))
        {
            return false;
        }

        for (var i = 0; i < counts.Length; i++)
        {
            var sum = sums[i] + (counts[i] * (long)part);
            if (sum < sums[i] && part > 0)
            {
                return false;
            }

            sums[i] = sum;
        }

        return true;
    }

    /// <summary>The mean of every resample that has an image.</summary>
    /// <param name="sums">Sums of the values in units of 2^-32.</param>
    /// <param name="images">Images of each resample.</param>
    internal static double[] Means(ImmutableArray<long> sums, ImmutableArray<long> images)
        => [.. sums.Zip(images).Where(resample => resample.Second > 0).Select(resample => resample.First * Unit / resample.Second)];

    /// <summary>The 95 % interval: from the 2.5th to the 97.5th percentile of the resamples.</summary>
    internal static Interval Percentiles(IEnumerable<double> resampled)
    {
        double[] sorted = [.. resampled.Order()];
        return new Interval(At(OuterPart), At(1 - OuterPart));

        double At(double part)
        {
            var place = part * (sorted.Length - 1);
            var (below, rest) = ((int)place, place - (int)place);
            return sorted[below] + (rest * (sorted[Math.Min(below + 1, sorted.Length - 1)] - sorted[below]));
        }
    }

    private static double Factorial(int n) => Enumerable.Range(1, n).Aggregate(1.0, (product, k) => product * k);
}

/// <summary>Where a figure lies with other draws of as many images: its 95 % interval.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>The interval in words: <c>1.22 to 1.41</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Low:0.00} to {High:0.00}");
}
