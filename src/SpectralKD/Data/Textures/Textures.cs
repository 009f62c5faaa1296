namespace SpectralKD.Data;

/// <summary>
/// A built-in image set, painted by formula: ten classes that differ in spatial frequency, orientation, shape and colour order, under noise,
/// jitter, distracting patterns and shared colours, so that no single feature gives a class away. Mirroring an image left to right keeps its
/// class. Image i depends only on (seed, i, size) and the number of classes, bit for bit on every platform.
/// </summary>
public static class Textures
{
    /// <summary>The name under which <see cref="ImageSources.Open"/> finds the set.</summary>
    public const string SourceName = "textures";

    /// <summary>Number of images where none is asked for.</summary>
    public const int DefaultCount = 500;

    /// <summary>Side in pixels where none is asked for.</summary>
    public const int DefaultSize = 64;

    private const int MaximumSize = 4096;

    /// <summary>The ten classes in the order of their labels.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "wide bands", "fine bands", "wide bars", "fine bars", "diagonals", "checks", "rings", "warm discs", "cool discs", "crosses",
    ];

    /// <summary>Makes the set; images are painted when they are read.</summary>
    /// <param name="count">Number of images, at least 1. The first n images of a larger set are the smaller set.</param>
    /// <param name="size">Side of the square images in pixels, 8 to 4096.</param>
    /// <param name="classes">Number of classes, 2 to 10: the first of <see cref="ClassNames"/>. Image i has the label i modulo classes.</param>
    /// <param name="seed">Any number; different seeds give unrelated images of the same classes.</param>
    /// <exception cref="SpectralKDException">A number is out of range.</exception>
    public static IImageSource Create(int count = DefaultCount, int size = DefaultSize, int classes = 10, int seed = 0)
    {
        if (count < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant($"the number of images must be at least 1, but is {count}"));
        }

        if (size is < 8 or > MaximumSize)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"the size of textures must be between 8 and {MaximumSize} pixels, but is {size}"));
        }

        if (classes < 2 || classes > ClassNames.Count)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"textures has {ClassNames.Count} classes and needs at least 2, so {classes} cannot be taken"));
        }

        return new TextureImageSource(count, size, classes, seed);
    }
}

/// <summary>The images of <see cref="Textures"/>, painted on demand.</summary>
internal sealed class TextureImageSource(int count, int size, int classes, int seed) : IImageSource
{
    /// <inheritdoc/>
    public string Name => Textures.SourceName;

    /// <inheritdoc/>
    public int Count => count;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; } = [.. Textures.ClassNames.Take(classes)];

    /// <inheritdoc/>
    public ImageQuery? Query { get; } = new() { Source = Textures.SourceName, Count = count, Size = size, Classes = classes, Seed = seed };

    /// <inheritdoc/>
    public int Label(int index) => index % classes;

    /// <inheritdoc/>
    public string ItemName(int index) => FormattableString.Invariant($"{Classes[Label(index)]} {index}");

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        return TexturePainter.Paint(Label(index), size, new CounterRandom(seed, index, size));
    }
}
