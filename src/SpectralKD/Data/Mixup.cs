using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Data;

/// <summary>
/// timm's Mixup in batch mode: one share for the whole batch, each image mixed with the one at the mirrored place, by blending
/// (mixup, arXiv 1710.09412) or by a pasted rectangle (cutmix, arXiv 1905.04899), whose share is corrected where the border clips it.
/// </summary>
public static class Mixup
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
                throw new SpectralKDException(FormattableString.Invariant($"A label is {labels[i]}, but there are {classes} classes."));
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
                $"Mixing needs an even batch [B, 3, H, W] with B labels, but got [{string.Join(", ", images.shape)}] and {labels.Count} labels."));
        }

        if (!(options.MixupAlpha >= 0 && options.CutmixAlpha >= 0 && options.MixupAlpha + options.CutmixAlpha > 0))
        {
            throw new SpectralKDException("Mixing needs a positive alpha of mixup or of cutmix; to train without it, leave it out.");
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
