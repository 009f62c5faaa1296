using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Shannon entropy of a power spectrum.</summary>
internal static class SpectralEntropy
{
    /// <summary>
    /// <c>-sum p ln p / ln n</c> with p the power's shares and 0 ln 0 = 0; the constant term takes part. In [0, 1]; 0 for no power at all or
    /// a single frequency.
    /// </summary>
    internal static double Normalized(ImmutableArray<double> power)
    {
        var total = power.Total();
        if (total == 0 || power.Length < 2)
        {
            return 0;
        }

        double entropy = 0;
        foreach (var value in power)
        {
            var share = value / total;
            entropy -= share > 0 ? share * Math.Log(share) : 0;
        }

        return entropy / Math.Log(power.Length);
    }
}
