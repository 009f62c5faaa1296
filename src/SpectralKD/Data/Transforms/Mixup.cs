namespace SpectralKD.Data;

/// <summary>Mixing of the images of a batch in pairs, in timm's terms; the defaults are DeiT's.</summary>
public sealed record MixupOptions
{
    /// <summary>Both Beta parameters of mixup's share; 0 turns mixup off.</summary>
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>Both Beta parameters of cutmix's share; 0 turns cutmix off.</summary>
    public double CutmixAlpha { get; init; } = 1.0;

    /// <summary>Probability that a batch is mixed at all.</summary>
    public double Probability { get; init; } = 1.0;

    /// <summary>Probability of cutmix rather than mixup where both are on.</summary>
    public double SwitchProbability { get; init; } = 0.5;
}

/// <summary>
/// timm's Mixup in batch mode: one share for the whole batch, each image mixed with the one at the mirrored place, by blending
/// (mixup, arXiv 1710.09412) or by a pasted rectangle (cutmix, arXiv 1905.04899), whose share is corrected where the border clips it.
/// </summary>
internal static class Mixup
{
    /// <summary>Mixes the images in place and returns their soft targets.</summary>
    /// <param name="images">Float <c>[B, 3, H, W]</c> on any device, B even. Changed.</param>
    /// <param name="labels">B labels in [0, classes).</param>
    /// <param name="classes">Number of classes K.</param>
    /// <param name="options">Kind and strength of mixing.</param>
    /// <param name="smoothing">Label smoothing in [0, 1): each class gets smoothing / K, the right one the rest.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="step">Number of the training step; the draw depends on (seed, step) alone.</param>
    /// <returns>Targets, float32 <c>[B, K]</c> on the images' device; rows sum to 1.</returns>
    /// <exception cref="SpectralKDException">The batch is odd, or a number is out of range.</exception>
    public static Tensor Apply(
        Tensor images, IReadOnlyList<long> labels, int classes, MixupOptions options, double smoothing, int seed, long step)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(options);
        LibTorch.EnsureLoaded();
        Check(images, labels, options);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var share = MixingShare.Draw(options, (int)images.shape[2], (int)images.shape[3], new CounterRandom(seed, step, -2));
        Mix(images, share);
        var first = SoftTargets(labels, classes, smoothing);
        var second = SoftTargets([.. labels.Reverse()], classes, smoothing);
        for (var i = 0; i < first.Length; i++)
        {
            first[i] = (float)((first[i] * share.Own) + (second[i] * (1 - share.Own)));
        }

        return tensor(first, [labels.Count, classes], device: images.device).MoveToOuterDisposeScope();
    }

    /// <summary>Smoothed one-hot targets without mixing, <c>[B, K]</c> row-major.</summary>
    internal static float[] SoftTargets(IReadOnlyList<long> labels, int classes, double smoothing)
    {
        var targets = new float[labels.Count * classes];
        Array.Fill(targets, (float)(smoothing / classes));
        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i] < 0 || labels[i] >= classes)
            {
                throw new SpectralKDException(FormattableString.Invariant($"a label is {labels[i]}, but there are {classes} classes"));
            }

            targets[(i * classes) + (int)labels[i]] = (float)(1 - smoothing + (smoothing / classes));
        }

        return targets;
    }

    private static void Check(Tensor images, IReadOnlyList<long> labels, MixupOptions options)
    {
        if (images.dim() != 4 || images.shape[0] != labels.Count || labels.Count % 2 != 0)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"mixing needs an even batch [B, 3, H, W] with B labels, but got [{string.Join(", ", images.shape)}] and {labels.Count} labels"));
        }

        if (!(options.MixupAlpha >= 0 && options.CutmixAlpha >= 0 && options.MixupAlpha + options.CutmixAlpha > 0))
        {
            throw new SpectralKDException("mixing needs a positive alpha of mixup or of cutmix; to train without it, leave it out");
        }
    }

    private static void Mix(Tensor images, MixingShare share)
    {
        if (share.Own == 1)
        {
            return;
        }

        var mirrored = images.flip(0); // a copy
        if (share.Part is { } part)
        {
            Part(images, part).copy_(Part(mirrored, part));
        }
        else
        {
            images.MultiplyInPlace(share.Own).AddInPlace(mirrored.MultiplyInPlace(1 - share.Own));
        }
    }

    private static Tensor Part(Tensor images, PixelWindow part) =>
        images.narrow(2, part.Top, part.Height).narrow(3, part.Left, part.Width);
}

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
