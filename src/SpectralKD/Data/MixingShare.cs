namespace SpectralKD.Data;

/// <summary>How a batch is mixed.</summary>
/// <param name="Own">Share of the image itself in [0, 1]; the rest is its partner's.</param>
/// <param name="Part">The rectangle pasted from the partner (cutmix), or null for blending (mixup).</param>
internal readonly record struct MixingShare(double Own, PixelWindow? Part)
{
    /// <summary>Draws whether, how and how much to mix.</summary>
    public static MixingShare Draw(MixupOptions options, int height, int width, CounterRandom random)
    {
        if (!random.NextBool(options.Probability))
        {
            return new MixingShare(1, null);
        }

        var cuts = options.MixupAlpha == 0 || (options.CutmixAlpha > 0 && random.NextBool(options.SwitchProbability));
        return cuts
            ? Cut(Beta(options.CutmixAlpha, ref random), height, width, ref random)
            : new MixingShare(Beta(options.MixupAlpha, ref random), null);
    }

    private static MixingShare Cut(double share, int height, int width, ref CounterRandom random)
    {
        var ratio = Math.Sqrt(1 - share);
        var (cutHeight, cutWidth) = ((int)(height * ratio), (int)(width * ratio));
        var (y, x) = (random.NextInt(height), random.NextInt(width));
        var (top, bottom) = (Math.Max(0, y - (cutHeight / 2)), Math.Min(height, y + (cutHeight / 2)));
        var (left, right) = (Math.Max(0, x - (cutWidth / 2)), Math.Min(width, x + (cutWidth / 2)));
        var part = new PixelWindow(left, top, right - left, bottom - top);
        return new MixingShare(1 - ((double)part.Width * part.Height / ((double)height * width)), part);
    }

    /// <summary>Beta(alpha, alpha) as a ratio of two gamma variables.</summary>
    internal static double Beta(double alpha, ref CounterRandom random)
    {
        var (first, second) = (Gamma(alpha, ref random), Gamma(alpha, ref random));
        return first + second > 0 ? first / (first + second) : random.NextBool(0.5) ? 1 : 0;
    }

    /// <summary>Gamma(shape, 1) by Marsaglia and Tsang's method (ACM TOMS 26, 2000).</summary>
    private static double Gamma(double shape, ref CounterRandom random)
    {
        if (shape < 1)
        {
            return Gamma(shape + 1, ref random) * Math.Pow(1 - random.NextDouble(), 1 / shape);
        }

        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = random.NextGaussian();
            var v = Math.Pow(1 + (c * x), 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }
}
