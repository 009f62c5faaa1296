namespace SpectralKD.Data.Augmentations;

/// <summary>
/// timm's RandAugment with increasing severity (<c>rand-m9-mstd0.5-inc1</c>): two operations drawn with replacement out of fifteen, each
/// applied with probability 0.5 at a magnitude drawn around the set one and limited to 0..10.
/// </summary>
internal static class RandAugment
{
    private const double Applied = 0.5;
    private const double FullMagnitude = 10;

    /// <summary>The operations in timm's order.</summary>
    internal static IReadOnlyList<string> Operations { get; } =
    [
        "AutoContrast", "Equalize", "Invert", "Rotate", "PosterizeIncreasing", "SolarizeIncreasing", "SolarizeAdd", "ColorIncreasing",
        "ContrastIncreasing", "BrightnessIncreasing", "SharpnessIncreasing", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel",
    ];

    /// <summary>Applies random operations to an image.</summary>
    public static RgbImage Apply(RgbImage image, RandAugmentSettings settings, PilAffine.Fill fill, ref CounterRandom random)
    {
        for (var layer = 0; layer < settings.Layers; layer++)
        {
            var operation = Operations[random.NextInt(Operations.Count)];
            if (random.NextBool(Applied))
            {
                var magnitude = random.NextGaussian(settings.Magnitude, settings.MagnitudeDeviation);
                image = Apply(image, operation, Math.Clamp(magnitude, 0, FullMagnitude) / FullMagnitude, fill, ref random);
            }
        }

        return image;
    }

    /// <summary>Applies one operation at a level in [0, 1].</summary>
    internal static RgbImage Apply(RgbImage image, string operation, double level, PilAffine.Fill fill, ref CounterRandom random)
    {
        var sign = random.NextBool(0.5) ? -1 : 1;
        return operation switch
        {
            "AutoContrast" => PilTone.AutoContrast(image),
            "Equalize" => PilTone.Equalize(image),
            "Invert" => PilTone.Invert(image),
            "PosterizeIncreasing" => PilTone.Posterize(image, 4 - (int)(level * 4)),
            "SolarizeIncreasing" => PilTone.Solarize(image, 256 - Math.Min(256, (int)(level * 256))),
            "SolarizeAdd" => PilTone.SolarizeAdd(image, Math.Min(128, (int)(level * 110))),
            "ColorIncreasing" => PilEnhance.Color(image, Enhancement(sign, level)),
            "ContrastIncreasing" => PilEnhance.Contrast(image, Enhancement(sign, level)),
            "BrightnessIncreasing" => PilEnhance.Brightness(image, Enhancement(sign, level)),
            "SharpnessIncreasing" => PilEnhance.Sharpness(image, Enhancement(sign, level)),
            _ => PilAffine.Transform(image, Motion(operation, sign * level, image), fill),
        };
    }

    private static double Enhancement(int sign, double level) => Math.Max(0.1, 1 + (sign * level * 0.9));

    private static PilAffine.Matrix Motion(string operation, double level, RgbImage image) => operation switch
    {
        "Rotate" => PilAffine.Matrix.Rotate(level * 30, image.Width, image.Height),
        "ShearX" => PilAffine.Matrix.ShearX(level * 0.3),
        "ShearY" => PilAffine.Matrix.ShearY(level * 0.3),
        "TranslateXRel" => PilAffine.Matrix.Translate(level * 0.45 * image.Width, 0),
        "TranslateYRel" => PilAffine.Matrix.Translate(0, level * 0.45 * image.Height),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "no such operation"),
    };
}
