using SpectralKD.Data;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>
/// Mixup and CutMix in timm's batch mode: each image is mixed with the one at the mirrored place of the batch, all by the same share, and so
/// are their labels (arXiv 1710.09412, 1905.04899). Draws depend on (seed, epoch, batch) only.
/// </summary>
internal sealed class BatchMixing(DistillationRecipe recipe, int classes)
{
    private readonly RecipeData _data = recipe.Data;

    /// <summary>The batch mixed; its own tensors where nothing is to be mixed. New tensors belong to the caller's scope.</summary>
    public (Tensor Images, Tensor Labels) Mix(TrainingBatch batch, int epoch, int number)
    {
        if ((_data.Mixup == 0 && _data.CutMix == 0) || batch.Labels.dim() != 1)
        {
            return (batch.Images, batch.Labels);
        }

        using var guard = no_grad();
        var random = new CounterRandom(recipe.Seed, epoch, number, -2);
        var cuts = _data.CutMix > 0 && (_data.Mixup == 0 || random.NextBool(0.5));
        var share = Beta(ref random, cuts ? _data.CutMix : _data.Mixup);
        var images = cuts ? Cut(batch.Images, ref random, ref share) : (batch.Images * share) + (batch.Images.flip(0) * (1 - share));
        var probabilities = nn.functional.one_hot(batch.Labels, classes).to(ScalarType.Float32); // (B, K)
        return (images, (probabilities * share) + (probabilities.flip(0) * (1 - share)));
    }

    // A rectangle of the mirrored image; the share is corrected where the rectangle sticks out.
    private static Tensor Cut(Tensor images, ref CounterRandom random, ref double share)
    {
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        var side = Math.Sqrt(1 - share);
        var (top, bottom) = Span(height, (int)(height * side), random.NextInt(height));
        var (left, right) = Span(width, (int)(width * side), random.NextInt(width));
        var mixed = images.clone();
        var part = mixed.narrow(2, top, bottom - top).narrow(3, left, right - left);
        part.copy_(images.flip(0).narrow(2, top, bottom - top).narrow(3, left, right - left));
        share = 1 - ((double)(bottom - top) * (right - left) / ((double)height * width));
        return mixed;
    }

    private static (int From, int To) Span(int size, int length, int centre) =>
        (Math.Clamp(centre - (length / 2), 0, size), Math.Clamp(centre + (length / 2), 0, size));

    // Beta(a, a) from two gamma draws.
    private static double Beta(ref CounterRandom random, double alpha)
    {
        var (one, other) = (Gamma(ref random, alpha), Gamma(ref random, alpha));
        return one + other > 0 ? one / (one + other) : 0.5;
    }

    // Marsaglia and Tsang, ACM TOMS 26 (2000); below 1 by the boost Gamma(a) = Gamma(a + 1) u^(1/a).
    private static double Gamma(ref CounterRandom random, double alpha)
    {
        if (alpha < 1)
        {
            var boost = Math.Pow(1 - random.NextDouble(), 1 / alpha);
            return Gamma(ref random, alpha + 1) * boost;
        }

        var d = alpha - (1.0 / 3);
        while (true)
        {
            var x = random.NextGaussian();
            var v = Math.Pow(1 + (x / Math.Sqrt(9 * d)), 3);
            if (v > 0 && Math.Log(1 - random.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }
}
