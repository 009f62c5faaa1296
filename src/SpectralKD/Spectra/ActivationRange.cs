namespace SpectralKD.Spectra;

/// <summary>Smallest and largest activation of all analysed blocks and images: the outer edges of the entropy's 100 bins.</summary>
/// <param name="Minimum">Smallest value, finite.</param>
/// <param name="Maximum">Largest value, finite, not less than the smallest.</param>
public sealed record ActivationRange(double Minimum, double Maximum)
{
    /// <summary>The range that covers both.</summary>
    public ActivationRange Union(ActivationRange other)
        => new(Math.Min(Minimum, other.Minimum), Math.Max(Maximum, other.Maximum));
}
