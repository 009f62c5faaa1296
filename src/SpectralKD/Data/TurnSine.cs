namespace SpectralKD.Data;

/// <summary>
/// Sine and cosine of an angle in turns, by additions and multiplications alone: IEEE arithmetic gives every platform the same bits, which
/// <see cref="Math.Sin"/> does not promise. Error below 1e-8.
/// </summary>
internal static class TurnSine
{
    /// <summary>Taylor coefficients of sin(x) / x in powers of the square, highest first.</summary>
    private static readonly double[] Series =
        [1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0];

    /// <summary>sin(2 pi t).</summary>
    public static double Sin(double turns)
    {
        var t = turns - Math.Floor(turns + 0.5); // [-0.5, 0.5)
        if (t > 0.25)
        {
            t = 0.5 - t;
        }
        else if (t < -0.25)
        {
            t = -0.5 - t;
        }

        var x = t * (2 * Math.PI); // [-pi/2, pi/2]
        var square = x * x;
        var series = 0.0;
        foreach (var coefficient in Series)
        {
            series = (series * square) + coefficient;
        }

        return x * series;
    }

    /// <summary>cos(2 pi t).</summary>
    public static double Cos(double turns) => Sin(turns + 0.25);
}
