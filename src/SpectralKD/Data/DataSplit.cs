namespace SpectralKD.Data;

/// <summary>Disjoint images to train on and to validate with, of the same classes.</summary>
/// <param name="Train">Images to train on.</param>
/// <param name="Validation">Images to validate with.</param>
public sealed record DataSplit(IImageSource Train, IImageSource Validation)
{
    /// <summary>By what the same images can be opened again; null where nobody can tell.</summary>
    internal SplitQuery? Query
    {
        get => field ?? SplitQuery.Of(Train.Query, Validation.Query);
        init;
    }

    /// <summary>
    /// Opens a source as <see cref="ImageSources.Open"/> does, with validation images beside it. These are, the first that applies: the named
    /// <paramref name="validation"/> source; for <c>textures</c>, further images of the same seed; for <c>cifar10</c>, its test images; the folder
    /// <c>val</c>, <c>valid</c>, <c>validation</c> or <c>test</c> beside a folder <c>train</c> (also inside a folder that wraps both); else a share
    /// of each class drawn by the seed.
    /// </summary>
    /// <param name="source">Name or path of the training images.</param>
    /// <param name="validation">Name or path of the validation images, or null.</param>
    /// <param name="count">How many training images; null for all (500 of <c>textures</c>).</param>
    /// <param name="validationCount">How many validation images; null for all (a fifth of <paramref name="count"/> for <c>textures</c>).</param>
    /// <param name="size">Side of <c>textures</c> in pixels.</param>
    /// <param name="classes">How many classes; null for all.</param>
    /// <param name="fraction">Share of the images for validation where they are split by seed, in (0, 1).</param>
    /// <param name="seed">Seed of draws, of the split and of <c>textures</c>.</param>
    /// <param name="holdOut">
    /// True draws <paramref name="count"/> images and holds the <paramref name="fraction"/> of them out for validation, even where the source has a
    /// validation part of its own.
    /// </param>
    /// <param name="validationSeed">Seed of the draw of a named validation source, or of the split, where it is another one.</param>
    /// <exception cref="SpectralKDException">A source cannot be opened, or the two differ in their classes.</exception>
    public static DataSplit Open(
        string source,
        string? validation = null,
        int? count = null,
        int? validationCount = null,
        int? size = null,
        int? classes = null,
        double fraction = 0.1,
        int seed = 0,
        bool holdOut = false,
        int? validationSeed = null)
    {
        if (holdOut)
        {
            return BySeed(ImageSources.Open(source, count, size, classes, seed), fraction, validationSeed ?? seed);
        }

        if (validation is null && string.Equals(source, Textures.SourceName, StringComparison.OrdinalIgnoreCase))
        {
            return OpenTextures(count ?? Textures.DefaultCount, validationCount, size, classes, seed);
        }

        var parts = validation is null ? ImageSources.FindParts(source) : (source, validation);
        if (parts is not var (train, other))
        {
            var split = BySeed(ImageSources.Open(source, classes: classes), fraction, validationSeed ?? seed);
            return new DataSplit(Take(split.Train, count, seed), Take(split.Validation, validationCount, seed))
            {
                Query = new SplitQuery
                {
                    Train = ImageSources.QueryOf(source, count, classes, seed) with { Seed = seed },
                    ValidationCount = validationCount,
                    Fraction = fraction,
                    ValidationSeed = validationSeed,
                },
            };
        }

        var opened = new DataSplit(
            ImageSources.Open(train, count, size, classes, seed), ImageSources.Open(other, validationCount, size, classes, validationSeed ?? seed));
        return opened.WithEqualClasses();
    }

    /// <summary>Splits a source by the seed; every class keeps about its share on both sides.</summary>
    /// <param name="source">The images, at least 2.</param>
    /// <param name="fraction">Share for validation, in (0, 1).</param>
    /// <param name="seed">Any number.</param>
    /// <exception cref="SpectralKDException">The fraction is out of range, or there are fewer than 2 images.</exception>
    public static DataSplit BySeed(IImageSource source, double fraction = 0.1, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!(fraction > 0 && fraction < 1) || source.Count < 2)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"a split needs a fraction between 0 and 1 and at least 2 images, but got {fraction} and {source.Count} of {source.Name}"));
        }

        var wanted = Math.Clamp((int)Math.Round(fraction * source.Count), 1, source.Count - 1);
        var drawn = PlacesInClass(source, seed).OrderBy(item => item.Place).ThenBy(item => item.Index).Take(wanted).Select(item => item.Index).ToHashSet();
        var train = Enumerable.Range(0, source.Count).Where(index => !drawn.Contains(index)).ToArray();
        return new DataSplit(new SubsetImageSource(source, train), new SubsetImageSource(source, [.. drawn.Order()]))
        {
            Query = SplitQuery.HeldOut(source.Query, fraction, seed),
        };
    }

    /// <summary>For each image its random place within its class, in [0, 1): the lowest places of all classes together are a fair sample.</summary>
    private static IEnumerable<(int Index, double Place)> PlacesInClass(IImageSource source, int seed)
    {
        foreach (var group in Enumerable.Range(0, source.Count).GroupBy(source.Label))
        {
            var members = group.ToArray();
            var random = new CounterRandom(seed, group.Key, -3);
            random.Shuffle(members.AsSpan());
            var shift = random.NextDouble();
            for (var rank = 0; rank < members.Length; rank++)
            {
                yield return (members[rank], (rank + shift) / members.Length);
            }
        }
    }

    private static DataSplit OpenTextures(int count, int? validationCount, int? size, int? classes, int seed)
    {
        var further = validationCount ?? Math.Max(1, count / 5);
        if (count < 1 || further < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"the numbers of images must be at least 1, but are {count} and {further}"));
        }

        var all = Textures.Create(count + further, size ?? Textures.DefaultSize, classes ?? Textures.ClassNames.Count, seed);
        return new DataSplit(
            new SubsetImageSource(all, [.. Enumerable.Range(0, count)]), new SubsetImageSource(all, [.. Enumerable.Range(count, further)]))
        {
            Query = new SplitQuery { Train = all.Query! with { Count = count }, ValidationCount = further },
        };
    }

    private static IImageSource Take(IImageSource source, int? count, int seed) =>
        count is null ? source : new SubsetImageSource(source, ClassBalance.Draw(source, Enumerable.Range(0, source.Count), count.Value, seed));

    /// <summary>This split, if both parts have the same classes.</summary>
    /// <exception cref="SpectralKDException">They differ, so a label would mean two things.</exception>
    internal DataSplit WithEqualClasses() => Train.Classes.SequenceEqual(Validation.Classes)
        ? this
        : throw new SpectralKDException(FormattableString.Invariant(
            $"training and validation images differ in their classes: {Train.Name} has {Train.Classes.Count} ({Sample(Train)}), ")
            + FormattableString.Invariant($"{Validation.Name} has {Validation.Classes.Count} ({Sample(Validation)})"));

    private static string Sample(IImageSource source) =>
        string.Join(", ", source.Classes.Take(3)) + (source.Classes.Count > 3 ? ", …" : "");
}

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
