namespace SpectralKD.Spectra;

/// <summary>What an intensity curve over depth looks like.</summary>
public enum UShapeVerdict
{
    /// <summary>Fewer than four blocks: with one or none in the middle, a bend at any block would pass for a U.</summary>
    TooFewBlocks,

    /// <summary>Both ends lie above the middle by more than chance.</summary>
    Clear,

    /// <summary>Both ends lie above the middle, but only one of them by more than chance.</summary>
    Weak,

    /// <summary>The curve goes up: the last blocks lie above the middle, or the first below it, by more than chance, and not the other way round.</summary>
    Rising,

    /// <summary>The curve goes down.</summary>
    Falling,

    /// <summary>Neither end differs from the middle by more than chance.</summary>
    Flat,

    /// <summary>Both ends lie below the middle by more than chance.</summary>
    Arch,
}

/// <summary>
/// How far spectral intensities follow SpectralKD's U over depth:
/// <c>score = (mean of the first quarter + mean of the last quarter) / (2 * mean of the middle half)</c>.
/// </summary>
/// <remarks>
/// A quarter is the number of blocks divided by four, rounded to the nearest (a half goes down), at least one; the middle is what lies
/// between: 4 blocks are 1 + 2 + 1, 6 are 1 + 4 + 1, 7 are 2 + 3 + 2, 12 are 3 + 6 + 3, 24 are 6 + 12 + 6.
/// <para>
/// "More than chance" is a difference whose 95 % interval by the bootstrap over the images leaves zero out; without resamples, one above twice its standard error. What another
/// draw of as many images could turn round is no finding. For standard errors the blocks of a part see the same images and are taken to vary together, the parts as independent; both make the error
/// larger, not smaller. A difference below a hundredth of the middle counts as none, however sure it is: untrained networks, whose blocks hardly differ, have such ones.
/// </para>
/// </remarks>
public sealed record UShape
{
    private const int Fewest = 4;
    private const double StandardErrors = 2;
    private const double SmallestEffect = 0.01;

    /// <summary>Stands for the error where a curve comes without one: a twentieth of the middle, about what 50 images leave open.</summary>
    private const double UnknownError = 0.05;

    /// <summary>The score: above 1 the ends lie higher than the middle. Null with fewer than four blocks or a middle of zero.</summary>
    public double? Score { get; private init; }

    /// <summary>The score's 95 % interval by the bootstrap over the images; null where there are no resamples.</summary>
    public Interval? ScoreInterval { get; private init; }

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

    /// <summary>The verdict in words with the score, for example <c>clear U-shape (score 1.31, 95 % interval 1.22 to 1.41)</c>.</summary>
    public string Words => Score is { } score
        ? FormattableString.Invariant($"{Name} (score {score:0.00}{(ScoreInterval is { } interval ? $", 95 % interval {interval}" : "")})")
        : Name;

    /// <summary>What to keep in mind where there is no U; null where there is one.</summary>
    public string? Warning => Verdict switch
    {
        UShapeVerdict.Clear or UShapeVerdict.Weak => null,
        UShapeVerdict.TooFewBlocks => "a U-shape needs at least four blocks: analyse more of them",
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
    /// <param name="errors">
    /// The standard error of each over the images, its standard deviation divided by the root of their number; null where that is not known: then a
    /// difference counts above a twentieth of the middle.
    /// </param>
    /// <exception cref="SpectralKDException">There are not as many errors as intensities.</exception>
    /// <example><code>Console.WriteLine(UShape.Of([3, 1, 1, 3]).Words);   // clear U-shape (score 3.00)</code></example>
    public static UShape Of(IReadOnlyList<double> intensities, IReadOnlyList<double>? errors = null)
    {
        if (errors is not null && errors.Count != intensities.Count)
        {
            throw new SpectralKDException($"there are {errors.Count} standard errors for {intensities.Count} intensities: give one for each");
        }

        if (intensities.Count < Fewest || intensities.Any(double.IsNaN))
        {
            return new UShape { Verdict = UShapeVerdict.TooFewBlocks };
        }

        var (first, middle, last) = Parts(intensities);
        var score = (first + last) / (2 * middle);
        var known = errors is not null && !errors.Any(double.IsNaN);
        var (ofFirst, ofMiddle, ofLast) = known ? Parts(errors!) : default;
        return new UShape
        {
            Score = double.IsFinite(score) ? score : null,
            First = first,
            Middle = middle,
            Last = last,
            Verdict = Judge(Above(first, ofFirst), Above(last, ofLast), bothHigher: first > middle && last > middle),
        };

        int Above(double end, double error)
        {
            var chance = known ? StandardErrors * Math.Sqrt((error * error) + (ofMiddle * ofMiddle)) : UnknownError * middle;
            return Math.Abs(end - middle) <= Math.Max(chance, SmallestEffect * middle) ? 0 : Math.Sign(end - middle);
        }
    }

    /// <summary>Judges the intensities of a model's blocks by what other draws of the images would give.</summary>
    /// <param name="intensities">One value a block, in order of depth, none negative.</param>
    /// <param name="resampled">The curves of the bootstrap's resamples, each as long as <paramref name="intensities"/>, at least one.</param>
    internal static UShape Of(IReadOnlyList<double> intensities, IReadOnlyList<double[]> resampled)
    {
        var shape = Of(intensities);
        if (shape.Verdict == UShapeVerdict.TooFewBlocks)
        {
            return shape;
        }

        var parts = resampled.Select(Parts).ToList();
        return shape with
        {
            ScoreInterval = shape.Score is null ? null : Bootstrap.Percentiles(parts.Select(part => (part.First + part.Last) / (2 * part.Middle))),
            Verdict = Judge(
                Sign(part => part.First - part.Middle), Sign(part => part.Last - part.Middle), bothHigher: shape.First > shape.Middle && shape.Last > shape.Middle),
        };

        int Sign(Func<(double First, double Middle, double Last), double> difference)
        {
            var interval = Bootstrap.Percentiles(parts.Select(difference));
            var effect = difference((shape.First, shape.Middle, shape.Last));
            return (interval.Low > 0 || interval.High < 0) && Math.Abs(effect) > SmallestEffect * shape.Middle ? Math.Sign(effect) : 0;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Words;

    private static (double First, double Middle, double Last) Parts(IReadOnlyList<double> values)
    {
        var quarter = Math.Max(1, (values.Count + 1) / 4);
        return (values.Take(quarter).Average(), values.Skip(quarter).SkipLast(quarter).Average(), values.TakeLast(quarter).Average());
    }

    /// <summary>From the ends against the middle: above (1), below (-1), or no different (0).</summary>
    private static UShapeVerdict Judge(int first, int last, bool bothHigher) => (first, last) switch
    {
        (1, 1) => UShapeVerdict.Clear,
        (1, 0) or (0, 1) when bothHigher => UShapeVerdict.Weak,
        (0, 0) => UShapeVerdict.Flat,
        (-1, -1) => UShapeVerdict.Arch,
        _ => last > first ? UShapeVerdict.Rising : UShapeVerdict.Falling,
    };
}
