namespace SpectralKD.Data.Augmentations;

/// <summary>
/// timm's training transform: crop, mirroring, RandAugment, colour jitter, normalisation, random erasing. Immutable; all chance comes from the
/// generator that is handed in.
/// </summary>
internal sealed class TrainTransform
{
    private const int SmallImage = 32; // DeiT's limit between the two random crops
    private readonly Augmentation settings;
    private readonly EvalTransform evaluation;
    private readonly EvalTransform whole;
    private readonly float[] lookup;
    private readonly PilAffine.Fill fill;

    /// <summary>Makes the transform of one model.</summary>
    public TrainTransform(Augmentation settings, Preprocessing preprocessing, int imageSize)
    {
        this.settings = settings;
        evaluation = new EvalTransform(preprocessing, imageSize);
        whole = new EvalTransform(preprocessing with { CropFraction = 1 }, imageSize);
        lookup = preprocessing.NormalizedBytes();
        var mean = preprocessing.Mean.Select(value => (byte)Math.Min(255, Math.Round(255.0 * value))).ToArray();
        fill = new PilAffine.Fill(mean[0], mean[1], mean[2]);
    }

    /// <summary>Number of floats that <see cref="Apply"/> writes.</summary>
    public int Length => evaluation.Length;

    /// <summary>Side of the output in pixels.</summary>
    public int ImageSize => evaluation.ImageSize;

    /// <summary>Varies and normalises an image.</summary>
    /// <param name="image">A decoded image of any size.</param>
    /// <param name="target">Receives float32 <c>[3, ImageSize, ImageSize]</c>.</param>
    /// <param name="random">Where all chance comes from.</param>
    public void Apply(RgbImage image, Span<float> target, CounterRandom random)
    {
        image = Vary(image, ref random);
        Preprocessing.Normalize(image.Pixels, lookup, target);
        RandomErasing.Apply(target, ImageSize, settings.ErasingProbability, ref random);
    }

    /// <summary>All steps before normalisation.</summary>
    internal RgbImage Vary(RgbImage image, ref CounterRandom random)
    {
        image = Crop(image, ref random);
        if (random.NextBool(settings.FlipProbability))
        {
            image = RandomCrops.Mirror(image);
        }

        if (settings.RandAugment is not null)
        {
            image = RandAugment.Apply(image, settings.RandAugment, fill, ref random);
        }

        return settings.JittersColor ? Jitter(image, ref random) : image;
    }

    private RgbImage Crop(RgbImage image, ref CounterRandom random)
    {
        var kind = settings.Crop == CropKind.Automatic
            ? ImageSize > SmallImage ? CropKind.RandomResized : CropKind.Padded
            : settings.Crop;
        return kind switch
        {
            CropKind.RandomResized => PilBicubic.Resize(
                RandomCrops.Cut(image, RandomCrops.DrawPart(image.Width, image.Height, settings, ref random)), ImageSize, ImageSize),
            CropKind.Padded => RandomCrops.Shift(whole.ResizeAndCrop(image), ref random),
            _ => evaluation.ResizeAndCrop(image),
        };
    }

    private RgbImage Jitter(RgbImage image, ref CounterRandom random)
    {
        Span<int> order = [0, 1, 2];
        random.Shuffle(order);
        foreach (var step in order)
        {
            var factor = random.NextBetween(Math.Max(0, 1 - settings.ColorJitter), 1 + settings.ColorJitter);
            image = step switch
            {
                0 => PilEnhance.Brightness(image, factor),
                1 => PilEnhance.Contrast(image, factor),
                _ => PilEnhance.Color(image, factor),
            };
        }

        return image;
    }
}
