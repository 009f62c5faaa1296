namespace SpectralKD.Data;

/// <summary>What <see cref="ImageSources.Open"/> was asked for: enough to open the same images again, from a recipe for example.</summary>
public sealed record ImageQuery
{
    /// <summary><c>textures</c>, <c>cifar10</c>, <c>cifar10/test</c>, or the full path of a folder or an archive (and a folder inside it).</summary>
    public required string Source { get; init; }

    /// <summary>How many images were drawn; null for all.</summary>
    public int? Count { get; init; }

    /// <summary>Side of <c>textures</c> in pixels; null for other sources.</summary>
    public int? Size { get; init; }

    /// <summary>How many classes were kept; null for all.</summary>
    public int? Classes { get; init; }

    /// <summary>Seed of <c>textures</c> and of the draw.</summary>
    public int Seed { get; init; }
}

/// <summary>An image source that remembers what it was opened by.</summary>
internal interface IOpenedImages
{
    ImageQuery? Query { get; set; }
}
