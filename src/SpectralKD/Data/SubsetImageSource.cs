namespace SpectralKD.Data;

/// <summary>Some images of another source, in a given order; optionally only its first classes.</summary>
internal sealed class SubsetImageSource : IImageSource, IOpenedImages
{
    private readonly IImageSource source;
    private readonly int[] indices;

    /// <summary>Takes the images at <paramref name="indices"/> of <paramref name="source"/>.</summary>
    public SubsetImageSource(IImageSource source, int[] indices, IReadOnlyList<string>? classes = null)
    {
        this.source = source;
        this.indices = indices;
        Classes = classes ?? source.Classes;
    }

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public int Count => indices.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => source.Notes;

    /// <inheritdoc/>
    public int Label(int index) => source.Label(indices[index]);

    /// <inheritdoc/>
    public string ItemName(int index) => source.ItemName(indices[index]);

    /// <inheritdoc/>
    public RgbImage Read(int index) => source.Read(indices[index]);
}
