namespace SpectralKD.Spectra;

/// <summary>What an intensity curve over depth looks like.</summary>
public enum UShapeVerdict
{
    /// <summary>Fewer than three blocks: no first, middle and last part to compare.</summary>
    TooFewBlocks,

    /// <summary>Both ends lie above the middle, together by at least a quarter.</summary>
    Clear,

    /// <summary>Both ends lie above the middle, together by less than a quarter but at least a twentieth.</summary>
    Weak,

    /// <summary>Only the last blocks lie above the middle.</summary>
    Rising,

    /// <summary>Only the first blocks lie above the middle.</summary>
    Falling,

    /// <summary>Ends and middle differ by less than a twentieth.</summary>
    Flat,

    /// <summary>The middle lies above both ends.</summary>
    Arch,
}

/// <summary>
/// How far spectral intensities follow SpectralKD's U over depth:
/// <c>score = (mean of the first quarter + mean of the last quarter) / (2 * mean of the middle half)</c>.
/// </summary>
/// <remarks>
/// A quarter is the number of blocks divided by four, rounded to the nearest (a half goes down), at least one; the middle is what lies
/// between: 4 blocks are 1 + 2 + 1, 6 are 1 + 4 + 1, 7 are 2 + 3 + 2, 12 are 3 + 6 + 3, 24 are 6 + 12 + 6.
/// </remarks>
public sealed record UShape
{
    private const double ClearFrom = 1.25;
    private const double WeakFrom = 1.05;

    /// <summary>The score: above 1 the ends lie higher than the middle. Null with fewer than three blocks or a middle of zero.</summary>
    public double? Score { get; private init; }

    /// <summary>Mean of the first quarter.</summary>
    public double First { get; private init; } = double.NaN;

    /// <summary>Mean of the middle.</summary>
    public double Middle { get; private init; } = double.NaN;

    /// <summary>Mean of the last quarter.</summary>
    public double Last { get; private init; } = double.NaN;

    /// <summary>What the curve looks like.</summary>
    public UShapeVerdict Verdict { get; private init; }

    /// <summary>True for a clear or a weak U.</summary>
    public bool IsU => Verdict is UShapeVerdict.Clear or UShapeVerdict.Weak;

    /// <summary>The verdict in words with the score, for example <c>clear U-shape (score 1.83)</c>.</summary>
    public string Words => Score is { } score ? FormattableString.Invariant($"{Name} (score {score:0.00})") : Name;

    /// <summary>What to keep in mind where there is no U; null where there is one.</summary>
    public string? Warning => Verdict switch
    {
        UShapeVerdict.Clear or UShapeVerdict.Weak => null,
        UShapeVerdict.TooFewBlocks => "a U-shape needs at least three blocks: analyse more of them",
        _ => "no U-shape: intensity does not single out the first and the last blocks here, so choose layers to align with care",
    };

    private string Name => Verdict switch
    {
        UShapeVerdict.Clear => "clear U-shape",
        UShapeVerdict.Weak => "weak U-shape",
        UShapeVerdict.Rising => "rises with depth",
        UShapeVerdict.Falling => "falls with depth",
        UShapeVerdict.Flat => "flat over depth",
        UShapeVerdict.Arch => "arch: the middle is highest",
        _ => "too few blocks for a U-shape",
    };

    /// <summary>Judges the intensities of a model's blocks.</summary>
    /// <param name="intensities">One value a block, in order of depth, none negative.</param>
    public static UShape Of(IReadOnlyList<double> intensities)
    {
        if (intensities.Count < 3 || intensities.Any(double.IsNaN))
        {
            return new UShape { Verdict = UShapeVerdict.TooFewBlocks };
        }

        var quarter = Math.Max(1, (intensities.Count + 1) / 4);
        var first = intensities.Take(quarter).Average();
        var middle = intensities.Skip(quarter).SkipLast(quarter).Average();
        var last = intensities.TakeLast(quarter).Average();
        var score = (first + last) / (2 * middle);
        return new UShape
        {
            Score = double.IsFinite(score) ? score : null,
            First = first,
            Middle = middle,
            Last = last,
            Verdict = Judge(first / middle, last / middle, score),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => Words;

    private static UShapeVerdict Judge(double first, double last, double score)
    {
        if (first > 1 && last > 1 && score >= WeakFrom)
        {
            return score >= ClearFrom ? UShapeVerdict.Clear : UShapeVerdict.Weak;
        }

        return (first >= WeakFrom, last >= WeakFrom) switch
        {
            (false, true) => UShapeVerdict.Rising,
            (true, false) => UShapeVerdict.Falling,
            _ => score < 2 - WeakFrom ? UShapeVerdict.Arch : UShapeVerdict.Flat,
        };
    }
}
