namespace SpectralKD.Spectra;

/// <summary>
/// How many directions a set of vectors really uses: figures of its singular values, of its covariance's eigenvalues (their squares, up to a factor), or of a power
/// spectrum. All are the same for values multiplied by a number, unless they say otherwise.
/// </summary>
/// <example><code>
/// double[] singular = [3, 2, 1];
/// Console.WriteLine(RankFigures.EffectiveRank(singular));                                 // 2.75 directions of 3
/// Console.WriteLine(RankFigures.ComponentsFor([.. singular.Select(s => s * s)], 0.95));   // 3 hold 95 % of the energy
/// </code></example>
public static class RankFigures
{
    private const double RankMeSmall = 1e-7;

    /// <summary>
    /// Effective rank: <c>exp(-sum p ln p)</c> of the singular values' shares, from 1 to their number (Roy and Vetterli, EUSIPCO 2007). 0 where all are 0.
    /// </summary>
    /// <param name="singular">Singular values, none negative, in any order.</param>
    public static double EffectiveRank(IReadOnlyList<double> singular) => Entropic(singular, 0);

    /// <summary>RankMe (Garrido et al., ICML 2023, arXiv 2210.02885): <see cref="EffectiveRank"/> with 1e-7 added to each share.</summary>
    /// <param name="singular">Singular values, none negative, in any order.</param>
    public static double RankMe(IReadOnlyList<double> singular) => Entropic(singular, RankMeSmall);

    /// <summary>Participation ratio: <c>(sum l)^2 / sum l^2</c>, from 1 (one direction) to their number (all alike). 0 where all are 0.</summary>
    /// <param name="eigenvalues">Eigenvalues of a covariance, or squared singular values, in any order.</param>
    public static double ParticipationRatio(IReadOnlyList<double> eigenvalues)
        => eigenvalues.Sum(value => value * value) is > 0 and var squares ? Math.Pow(eigenvalues.Sum(), 2) / squares : 0;

    /// <summary>Stable rank: the sum of the eigenvalues over the largest. 0 where all are 0.</summary>
    /// <param name="eigenvalues">Eigenvalues of a covariance, or squared singular values, in any order.</param>
    public static double StableRank(IReadOnlyList<double> eigenvalues)
        => eigenvalues.Count > 0 && eigenvalues.Max() is > 0 and var largest ? eigenvalues.Sum() / largest : 0;

    /// <summary>Smallest number of leading eigenvalues whose sum is at least a part of the whole: d_80 and so on of arXiv 2511.15572.</summary>
    /// <param name="eigenvalues">Eigenvalues, or squared singular values, the largest first.</param>
    /// <param name="part">The part, above 0, at most 1.</param>
    public static int ComponentsFor(IReadOnlyList<double> eigenvalues, double part)
    {
        var (total, sum) = (eigenvalues.Sum(), 0.0);
        for (var i = 0; i < eigenvalues.Count; i++)
        {
            sum += eigenvalues[i];
            if (sum >= part * total)
            {
                return i + 1;
            }
        }

        return eigenvalues.Count; // rounding may leave the sum below the whole
    }

    /// <summary>The part of the whole that the first so many eigenvalues hold, in [0, 1]. 0 where all are 0.</summary>
    /// <param name="eigenvalues">Eigenvalues, or squared singular values, the largest first; or an image's energies along a basis that it shares with others.</param>
    /// <param name="count">How many, from 0; more than there are count as all.</param>
    public static double Captured(IReadOnlyList<double> eigenvalues, int count)
        => eigenvalues.Sum() is > 0 and var total ? eigenvalues.Take(count).Sum() / total : 0;

    /// <summary>
    /// Spectral flatness (Wiener entropy): geometric over arithmetic mean, from 0 (a value is zero, or few hold everything) to 1 (all are equal).
    /// </summary>
    /// <param name="values">Powers or amplitudes, none negative.</param>
    public static double Flatness(IReadOnlyList<double> values)
        => values.Count > 0 && values.Average() is > 0 and var mean ? Math.Exp(values.Average(Math.Log)) / mean : 0;

    /// <summary>
    /// Exponent of the eigenvalues' decay: minus the least-squares slope of <c>ln l_j</c> over <c>ln j</c>, as alpha-ReQ takes it (Agrawal et al., NeurIPS 2022). 0 is
    /// flat, 1 the value that natural images drive visual cortex to. Not a number with fewer than three eigenvalues in the range.
    /// </summary>
    /// <param name="eigenvalues">Eigenvalues of a covariance, the largest first.</param>
    /// <remarks>The range is ours: j from a sixteenth to half of their number, both rounded up, so that neither the mean nor the last, noisy ones count.</remarks>
    public static double Alpha(IReadOnlyList<double> eigenvalues)
    {
        var (first, last) = ((eigenvalues.Count + 15) / 16, (eigenvalues.Count + 1) / 2);
        var points = Enumerable.Range(first, Math.Max(0, last - first + 1)).Where(j => j >= 1 && eigenvalues[j - 1] > 0)
            .Select(j => (X: Math.Log(j), Y: Math.Log(eigenvalues[j - 1]))).ToList();
        if (points.Count < 3)
        {
            return double.NaN;
        }

        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return -points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }

    /// <summary>
    /// Coding rate in nats a vector: <c>1/2 sum ln(1 + C l_j / (epsilon^2 sum l))</c>, the number of bits (times ln 2) that a vector of C numbers takes up to an error of
    /// epsilon times its length (Yu et al., NeurIPS 2020, with vectors scaled to a mean squared length of 1).
    /// </summary>
    /// <param name="eigenvalues">The C eigenvalues of the vectors' second moments, in any order.</param>
    /// <param name="epsilon">The error, a part of the vectors' length; the paper's 0.5.</param>
    public static double CodingRate(IReadOnlyList<double> eigenvalues, double epsilon = 0.5)
        => eigenvalues.Sum() is > 0 and var total
            ? eigenvalues.Sum(value => Math.Log(1 + (eigenvalues.Count * Math.Max(0, value) / (epsilon * epsilon * total)))) / 2
            : 0;

    private static double Entropic(IReadOnlyList<double> singular, double added)
    {
        var total = singular.Sum();
        return total > 0 ? Math.Exp(-singular.Select(value => (value / total) + added).Where(share => share > 0).Sum(share => share * Math.Log(share))) : 0;
    }
}
