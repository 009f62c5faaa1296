using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>
/// The statistics of comparisons: Student's t by itself (no table, no library), paired differences with their interval, how many seeds a difference needs, the
/// bootstrap over images, and what may be said of all that in words.
/// </summary>
internal static class ComparisonStatistics
{
    private const double Power = 0.8;
    private const int MostSeeds = 1000;

    /// <summary>Standard deviation with the divisor n - 1; NaN for fewer than two values.</summary>
    public static double Deviation(IReadOnlyList<double> values)
    {
        var mean = values.Count == 0 ? double.NaN : values.Average();
        return values.Count < 2 ? double.NaN : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
    }

    /// <summary>P(T &lt;= t) for Student's t.</summary>
    /// <param name="t">Any number.</param>
    /// <param name="freedom">Degrees of freedom, above 0.</param>
    public static double TCumulative(double t, double freedom)
    {
        var tail = 0.5 * IncompleteBeta(freedom / (freedom + (t * t)), freedom / 2, 0.5);
        return t > 0 ? 1 - tail : tail;
    }

    /// <summary>The t with P(T &lt;= t) = p.</summary>
    /// <param name="p">In (0, 1).</param>
    /// <param name="freedom">Degrees of freedom, above 0.</param>
    public static double TQuantile(double p, double freedom)
    {
        if (p < 0.5)
        {
            return -TQuantile(1 - p, freedom);
        }

        var (low, high) = (0.0, 1.0);
        while (TCumulative(high, freedom) < p && high < 1e12)
        {
            high *= 2;
        }

        for (var i = 0; i < 200 && high - low > 1e-13 * high; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = TCumulative(middle, freedom) < p ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>The mean of paired differences with its 95 % interval (t over the pairs).</summary>
    /// <param name="differences">One for each seed.</param>
    public static PairedDifference Paired(IReadOnlyList<double> differences)
    {
        var (count, mean, deviation) = (differences.Count, differences.Average(), Deviation(differences));
        if (count < 2)
        {
            return new PairedDifference(count, mean, null, null, null, null);
        }

        var error = deviation / Math.Sqrt(count);
        var probability = error == 0 ? mean == 0 ? 1 : 0 : 2 * TCumulative(-Math.Abs(mean) / error, count - 1);
        return new PairedDifference(count, mean, deviation, TQuantile(0.975, count - 1) * error, probability, SeedsToShow(mean, deviation));
    }

    /// <summary>
    /// How many pairs a difference needs so that a two-sided test at 5 % finds it in four of five experiments: the smallest n with
    /// <c>n >= ((t(0.975, n - 1) + t(0.8, n - 1)) sd / d)^2</c>.
    /// </summary>
    /// <returns>At least 2; null for more than a thousand, or no difference at all.</returns>
    public static int? SeedsToShow(double difference, double deviation)
    {
        if (difference == 0 || !double.IsFinite(deviation))
        {
            return null;
        }

        var ratio = deviation / difference;
        return Enumerable.Range(2, MostSeeds - 1).Select(n => (int?)n)
            .FirstOrDefault(n => n >= Math.Pow((TQuantile(0.975, n!.Value - 1) + TQuantile(Power, n.Value - 1)) * ratio, 2));
    }

    /// <summary>Holm's probabilities: what each is worth where several were looked at.</summary>
    public static double[] Holm(IReadOnlyList<double> probabilities)
    {
        var adjusted = new double[probabilities.Count];
        var largest = 0.0;
        foreach (var (place, rank) in Enumerable.Range(0, probabilities.Count).OrderBy(i => probabilities[i]).Select((place, rank) => (place, rank)))
        {
            largest = Math.Max(largest, Math.Min(1, probabilities[place] * (probabilities.Count - rank)));
            adjusted[place] = largest;
        }

        return adjusted;
    }

    /// <summary>The 95 % interval of a mean over images, by drawing the images anew (percentiles of 2,000 draws).</summary>
    /// <param name="values">One for each image.</param>
    public static (double Low, double High) Bootstrap(IReadOnlyList<double> values)
    {
        const int Draws = 2000;
        var means = new double[Draws];
        for (var draw = 0; draw < Draws; draw++)
        {
            var random = new CounterRandom(draw);
            var sum = 0.0;
            for (var i = 0; i < values.Count; i++)
            {
                sum += values[random.NextInt(values.Count)];
            }

            means[draw] = sum / values.Count;
        }

        Array.Sort(means);
        return (At(0.025), At(0.975));

        double At(double share)
        {
            var place = share * (Draws - 1);
            var below = (int)place;
            return means[below] + ((place - below) * (means[below + 1] - means[below]));
        }
    }

    /// <summary>What the numbers allow to be said, and no more.</summary>
    /// <param name="difference">In points of top-1.</param>
    /// <param name="holm">Holm's probability among all comparisons; null without one.</param>
    /// <param name="comparisons">Number of methods that are compared with the baseline.</param>
    public static string Verdict(PairedDifference difference, double? holm, int comparisons)
    {
        var (seeds, points) = ($"{difference.Seeds} seed{(difference.Seeds == 1 ? "" : "s")}", Points(Math.Abs(difference.Mean)));
        if (difference.HalfWidth is not { } half)
        {
            return $"one seed: {Signed(difference.Mean)} points, no interval; take at least 3 seeds";
        }

        if (Math.Abs(difference.Mean) > half)
        {
            var chance = holm > 0.05 ? string.Create(CultureInfo.InvariantCulture, $"; among {comparisons} methods that may be chance (Holm p {holm:0.00})") : "";
            return $"{(difference.Mean > 0 ? "better" : "worse")} by {points} ± {Points(half)} points, {seeds}{chance}";
        }

        var needed = difference.Mean == 0 ? "" : difference.SeedsNeeded is { } count ? $"; about {count} seeds would show {points}" : $"; more than {MostSeeds} seeds would be needed to show {points}";
        return half == 0 ? $"no difference: the same in all {seeds}" : $"no difference found: {Signed(difference.Mean)} ± {Points(half)} points, {seeds}{needed}";
    }

    private static string Points(double value) => value.ToString(value is > 0 and < 0.1 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Signed(double value) => (value < 0 ? "-" : "") + Points(Math.Abs(value));

    // I_x(a, b): the continued fraction (DLMF 8.17.22) by Lentz's method, on the side where it converges fast.
    private static double IncompleteBeta(double x, double a, double b)
    {
        if (x is <= 0 or >= 1)
        {
            return x <= 0 ? 0 : 1;
        }

        if (x > (a + 1) / (a + b + 2))
        {
            return 1 - IncompleteBeta(1 - x, b, a);
        }

        const double Tiny = 1e-300;
        var (c, d, fraction) = (1.0, 0.0, 1.0);
        for (var i = 0; i < 500; i++)
        {
            var m = i / 2;
            var step = i == 0 ? 1
                : i % 2 == 0 ? m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)))
                : -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / Away(1 + (step * d));
            c = Away(1 + (step / c));
            fraction *= c * d;
            if (i > 0 && Math.Abs((c * d) - 1) < 1e-16)
            {
                break;
            }
        }

        return Math.Exp((a * Math.Log(x)) + (b * Math.Log(1 - x)) + LogGamma(a + b) - LogGamma(a) - LogGamma(b)) * (fraction - 1) / a;

        static double Away(double value) => Math.Abs(value) < Tiny ? Tiny : value;
    }

    // Stirling's series (DLMF 5.11.1) from 15 upwards, where five terms leave less than 1e-15.
    private static double LogGamma(double x)
    {
        var shift = 0.0;
        for (; x < 15; x++)
        {
            shift += Math.Log(x);
        }

        var square = 1 / (x * x);
        var series = ((1.0 / 12) - (square * ((1.0 / 360) - (square * ((1.0 / 1260) - (square * ((1.0 / 1680) - (square / 1188)))))))) / x;
        return ((x - 0.5) * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI)) + series - shift;
    }
}

/// <summary>A method's mean difference to the baseline over the seeds that both have.</summary>
/// <param name="Seeds">Number of pairs.</param>
/// <param name="Mean">Mean difference.</param>
/// <param name="Deviation">Standard deviation of the differences; null for one pair.</param>
/// <param name="HalfWidth">Half the width of the 95 % interval; null for one pair.</param>
/// <param name="Probability">The t test's two-sided probability; null for one pair.</param>
/// <param name="SeedsNeeded">How many pairs would show such a difference with 80 % power; null for more than 1,000, none, or one pair.</param>
public sealed record PairedDifference(int Seeds, double Mean, double? Deviation, double? HalfWidth, double? Probability, int? SeedsNeeded)
{
    /// <summary>Lower end of the 95 % interval; null for one pair.</summary>
    public double? Low => Mean - HalfWidth;

    /// <summary>Upper end of the 95 % interval; null for one pair.</summary>
    public double? High => Mean + HalfWidth;
}
