namespace SpectralKD.Data;

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
