namespace SpectralKD.Spectra;

/// <summary>How far an analysis has come.</summary>
/// <param name="Pass">1-based pass over the images.</param>
/// <param name="Passes">1, or 2 where the activation entropy needs the range first.</param>
/// <param name="Done">Images finished in this pass.</param>
/// <param name="Images">Images of one pass as far as known (unreadable ones included); null for a stream of unknown length.</param>
/// <param name="Elapsed">Time since the analysis began.</param>
public readonly record struct AnalysisProgress(int Pass, int Passes, long Done, long? Images, TimeSpan Elapsed)
{
    /// <summary>Part of the whole analysis that is done, in [0, 1]; null for a stream of unknown length.</summary>
    public double? Fraction => Images is > 0 ? Math.Min(1, ((Pass - 1) + (Done / (double)Images)) / Passes) : null;

    /// <summary>Time the rest will take at the pace so far; null while unknown.</summary>
    public TimeSpan? Remaining => Fraction is > 0 ? Elapsed * ((1 - Fraction.Value) / Fraction.Value) : null;

    /// <inheritdoc/>
    public override string ToString()
    {
        var pass = Passes > 1 ? $"pass {Pass} of {Passes}, " : "";
        var left = Remaining is { TotalSeconds: >= 1 } remaining ? FormattableString.Invariant($", {remaining.TotalSeconds:0} s left") : "";
        return $"{pass}{Done}{(Images is null ? "" : $" of {Images}")} images{left}";
    }
}
