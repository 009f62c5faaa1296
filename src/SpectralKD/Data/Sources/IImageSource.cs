namespace SpectralKD.Data;

/// <summary>A labelled set of images with random access. Reading is safe from several threads.</summary>
public interface IImageSource
{
    /// <summary>What the source is, in words that fit into a title: <c>textures</c>, a folder's or an archive's name.</summary>
    string Name { get; }

    /// <summary>Number of images listed (unreadable ones included: they show only when read).</summary>
    int Count { get; }

    /// <summary>Class names; a label is an index into them.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>What <see cref="ImageSources.Open"/> was asked for to get these images; null for a source that was made otherwise.</summary>
    ImageQuery? Query => null;

    /// <summary>
    /// What the listing left out and why, and what looks like a mistake in it: one line each, fit for a terminal. Hidden images, links in a
    /// circle, names that cannot be opened, several archive entries of one path, class folders without images. Empty where there is nothing to say.
    /// </summary>
    IReadOnlyList<string> Notes => [];

    /// <summary>Label of one image, an index into <see cref="Classes"/>.</summary>
    int Label(int index);

    /// <summary>Name of one image for messages: its path inside the source.</summary>
    string ItemName(int index);

    /// <summary>Decodes one image.</summary>
    /// <exception cref="SpectralKDException">The image cannot be decoded; the message names it.</exception>
    RgbImage Read(int index);
}

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

/// <summary>An image source that reads files, so that an image cache pays and can tell whether it is still theirs.</summary>
internal interface IImageFiles
{
    /// <summary>Full path of the folder or the archive.</summary>
    string Place { get; }

    /// <summary>What changes when an image's file does: its length and time, or its checksum; null where it is no file.</summary>
    string? Stamp(int index);
}

/// <summary>An image source that remembers what it was opened by.</summary>
internal interface IOpenedImages
{
    ImageQuery? Query { get; set; }
}
