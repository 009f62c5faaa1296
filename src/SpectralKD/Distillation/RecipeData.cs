using SpectralKD.Data;

namespace SpectralKD.Distillation;

/// <summary>Which images a run trains and validates on.</summary>
public sealed record RecipeData
{
    /// <summary>Training images: <c>textures</c>, <c>cifar10</c>, a folder or a .zip archive in ImageFolder layout.</summary>
    public string Train { get; init; } = "textures";

    /// <summary>Number of training images, spread evenly over the classes; null takes all (500 of <c>textures</c>).</summary>
    public int? Count { get; init; }

    /// <summary>
    /// Validation images, named as <see cref="Train"/>. Null takes the source's own validation part where it has one, further <c>textures</c> of the same
    /// seed, or else splits the training images by <see cref="ValidationShare"/> (see <see cref="DataSplit.Open"/>).
    /// </summary>
    public string? Validation { get; init; }

    /// <summary>Number of validation images; null takes all.</summary>
    public int? ValidationCount { get; init; }

    /// <summary>Share of the training images that is kept for validation where they are split, in (0, 1).</summary>
    public double ValidationShare { get; init; } = 0.1;

    /// <summary>
    /// True takes the validation images out of the <see cref="Count"/> training images themselves, by <see cref="ValidationShare"/>, even where the source has a
    /// validation part; what is left is trained on.
    /// </summary>
    public bool HoldOut { get; init; }

    /// <summary>Seed of the split, or of the draw of a named <see cref="Validation"/> source; null takes <see cref="Seed"/>.</summary>
    public int? ValidationSeed { get; init; }

    /// <summary>Side of <c>textures</c> images in pixels; null for the student's image size.</summary>
    public int? Size { get; init; }

    /// <summary>Number of classes to keep, the first ones in sorted order; null keeps all.</summary>
    public int? Classes { get; init; }

    /// <summary>Seed of the draw and of the split; the run's own <see cref="DistillationRecipe.Seed"/> orders and augments.</summary>
    public int Seed { get; init; }

    /// <summary>Augmentation preset: <c>none</c>, <c>crop-flip</c>, <c>deit</c>.</summary>
    public string Augmentation { get; init; } = "none";

    /// <summary>Mixup's alpha, 0 for none (DeiT: 0.8). Pairs of images are blended with a share drawn from Beta(alpha, alpha).</summary>
    public double Mixup { get; init; }

    /// <summary>CutMix's alpha, 0 for none (DeiT: 1.0). Where both are on, each batch takes one of them by an even chance.</summary>
    public double CutMix { get; init; }

    internal MixupOptions? Mixing => Mixup > 0 || CutMix > 0 ? new MixupOptions { MixupAlpha = Mixup, CutmixAlpha = CutMix } : null;

    /// <summary>Decoding threads; null takes the machine's. The batches do not depend on it.</summary>
    public int? Workers { get; init; }
}
