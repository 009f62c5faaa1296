namespace SpectralKD.Data;

/// <summary>By what a <see cref="DataSplit"/> can be opened again.</summary>
internal sealed record SplitQuery
{
    /// <summary>The training images, or all of them where they were split.</summary>
    public required ImageQuery Train { get; init; }

    /// <summary>The source of the validation images, if another one was named.</summary>
    public string? Validation { get; init; }

    /// <summary>How many validation images were taken; null for all.</summary>
    public int? ValidationCount { get; init; }

    /// <summary>True where the drawn training images themselves were split, and no validation part of the source was looked for.</summary>
    public bool HoldOut { get; init; }

    /// <summary>Share for validation of a split.</summary>
    public double? Fraction { get; init; }

    /// <summary>Seed of the split, or of the named validation images, where it is not the training images'.</summary>
    public int? ValidationSeed { get; init; }

    /// <summary>Two sources opened one by one; null where one call of <see cref="DataSplit.Open"/> cannot open the same.</summary>
    public static SplitQuery? Of(ImageQuery? train, ImageQuery? validation)
    {
        if (train is null || validation is null || train.Classes != validation.Classes || (train.Size is { } one && validation.Size is { } other && one != other))
        {
            return null;
        }

        return new SplitQuery
        {
            Train = train with { Size = train.Size ?? validation.Size },
            Validation = validation.Source,
            ValidationCount = validation.Count,
            ValidationSeed = Unless(train.Seed, validation.Seed),
        };
    }

    /// <summary>Images of one source, split by a seed.</summary>
    public static SplitQuery? HeldOut(ImageQuery? images, double fraction, int seed) => images is null ? null
        : new SplitQuery { Train = images, HoldOut = true, Fraction = fraction, ValidationSeed = Unless(images.Seed, seed) };

    private static int? Unless(int usual, int seed) => seed == usual ? null : seed;
}
