namespace SpectralKD.Data;

/// <summary>
/// How training images are varied. The presets follow timm 1.0.11 and DeiT's recipe. As in timm, colour jitter rests while RandAugment is on,
/// unless it is forced.
/// </summary>
public sealed record Augmentation
{
    /// <summary><c>none</c>: the evaluation transform.</summary>
    public static Augmentation None { get; } = new() { Name = "none" };

    /// <summary><c>crop-flip</c>: random crop and mirroring.</summary>
    public static Augmentation CropFlip { get; } = new() { Name = "crop-flip", Crop = CropKind.Automatic, FlipProbability = 0.5 };

    /// <summary>
    /// <c>deit</c>: random crop, mirroring, RandAugment m9 mstd0.5 inc1, colour jitter 0.3 (at rest), random erasing 0.25 by pixels, each image
    /// three times.
    /// </summary>
    public static Augmentation DeiT { get; } = CropFlip with
    {
        Name = "deit",
        RandAugment = new RandAugmentSettings(),
        ColorJitter = 0.3,
        ErasingProbability = 0.25,
        Repeats = 3,
    };

    /// <summary>The presets.</summary>
    public static IReadOnlyList<Augmentation> Presets { get; } = [None, CropFlip, DeiT];

    /// <summary>Name of the preset that it is, or was made of.</summary>
    public required string Name { get; init; }

    /// <summary>How images are cut.</summary>
    public CropKind Crop { get; init; } = CropKind.Evaluation;

    /// <summary>Range of the area of a random resized crop, as a share of the image.</summary>
    public (double Low, double High) Scale { get; init; } = (0.08, 1.0);

    /// <summary>Range of the aspect ratio (width by height) of a random resized crop.</summary>
    public (double Low, double High) Ratio { get; init; } = (3.0 / 4, 4.0 / 3);

    /// <summary>Probability of mirroring left to right.</summary>
    public double FlipProbability { get; init; }

    /// <summary>RandAugment, or null for none.</summary>
    public RandAugmentSettings? RandAugment { get; init; }

    /// <summary>Brightness, contrast and saturation are changed by factors in 1 -+ this, in random order. 0 for none.</summary>
    public double ColorJitter { get; init; }

    /// <summary>Applies colour jitter beside RandAugment too (timm's <c>force_color_jitter</c>).</summary>
    public bool ForceColorJitter { get; init; }

    /// <summary>Probability that a rectangle is replaced by normal noise after normalisation (timm's <c>pixel</c> mode).</summary>
    public double ErasingProbability { get; init; }

    /// <summary>How often an image that is drawn for an epoch occurs in it (repeated augmentation); the epoch's length stays.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>Whether colour jitter takes place.</summary>
    internal bool JittersColor => ColorJitter > 0 && (RandAugment is null || ForceColorJitter);

    /// <summary>Finds a preset by its name.</summary>
    /// <exception cref="SpectralKDException">There is none of that name.</exception>
    public static Augmentation Parse(string name) =>
        Presets.FirstOrDefault(preset => string.Equals(preset.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new SpectralKDException(
            $"there is no augmentation \"{name}\"; choose one of {string.Join(", ", Presets.Select(preset => preset.Name))}");
}

/// <summary>How a training image is cut to the model's size.</summary>
public enum CropKind
{
    /// <summary>The evaluation transform: nothing random.</summary>
    Evaluation,

    /// <summary>DeiT's rule: <see cref="Padded"/> up to 32 pixels, <see cref="RandomResized"/> above.</summary>
    Automatic,

    /// <summary>A random part of random area and aspect ratio, resized (timm's RandomResizedCropAndInterpolation, bicubic).</summary>
    RandomResized,

    /// <summary>The whole picture at the model's size, moved by up to 4 pixels over a black border (torchvision's RandomCrop, padding 4).</summary>
    Padded,
}

/// <summary>Strength of RandAugment, in timm's terms; the defaults are DeiT's <c>rand-m9-mstd0.5-inc1</c>.</summary>
public sealed record RandAugmentSettings
{
    /// <summary>Mean magnitude, 0 to 10 (<c>m</c>).</summary>
    public double Magnitude { get; init; } = 9;

    /// <summary>Standard deviation of the magnitude (<c>mstd</c>).</summary>
    public double MagnitudeDeviation { get; init; } = 0.5;

    /// <summary>Operations drawn for each image (<c>n</c>).</summary>
    public int Layers { get; init; } = 2;
}
