namespace SpectralKD.Data;

/// <summary>Opens labelled image sets by the name that a user types.</summary>
public static class ImageSources
{
    /// <summary>
    /// Opens <c>textures</c> (built in), a folder, or a .zip archive in torchvision's ImageFolder layout: one folder for each class,
    /// or images without class folders as one class. A folder inside an archive is named after it: <c>photos.zip/train</c>.
    /// </summary>
    /// <param name="source">Name or path.</param>
    /// <param name="count">
    /// How many images to take, spread evenly over the classes and drawn by <paramref name="seed"/> (the order stays the source's). Null takes
    /// all of a folder or an archive, 500 of <c>textures</c>. Where there are fewer, all are taken.
    /// </param>
    /// <param name="size">Side in pixels of <c>textures</c> images (64). Photos keep their own size; the model's transform resizes them.</param>
    /// <param name="classes">How many classes to keep, the first ones in sorted order. Null keeps all.</param>
    /// <param name="seed">Seed of <c>textures</c> and of the draw.</param>
    /// <exception cref="SpectralKDException">The source is not there, is no image set, or a number is out of range.</exception>
    public static IImageSource Open(string source, int? count = null, int? size = null, int? classes = null, int seed = 0)
    {
        if (string.IsNullOrWhiteSpace(source))
        {
            throw new SpectralKDException("No image source was named: name textures, a folder of images or a .zip archive.");
        }

        if (count <= 0)
        {
            throw new SpectralKDException(FormattableString.Invariant($"The number of images must be at least 1, but is {count}."));
        }

        return string.Equals(source, Textures.SourceName, StringComparison.OrdinalIgnoreCase)
            ? Textures.Create(count ?? 500, size ?? 64, classes ?? Textures.ClassNames.Count, seed)
            : Subset(OpenFiles(source), count, classes, seed);
    }

    private static IImageSource OpenFiles(string source)
    {
        if (Directory.Exists(source))
        {
            return new FolderImageSource(source);
        }

        var (archive, inside) = SplitArchivePath(source);
        if (archive is not null)
        {
            return new ZipImageSource(archive, inside);
        }

        throw new SpectralKDException(File.Exists(source)
            ? $"The image source {source} is a file, but no .zip archive: name textures, a folder of images or a .zip archive."
            : $"There is no image source {source}: neither a folder nor a .zip archive was found at {Path.GetFullPath(source)}; "
                + "name textures, a folder of images or a .zip archive.");
    }

    private static (string? Archive, string Inside) SplitArchivePath(string source)
    {
        var path = source.Replace('\\', '/');
        for (var end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            if (path[..end].EndsWith(".zip", StringComparison.OrdinalIgnoreCase) && File.Exists(source[..end]))
            {
                return (source[..end], path[end..].Trim('/'));
            }
        }

        return (null, "");
    }

    private static IImageSource Subset(IImageSource source, int? count, int? classes, int seed)
    {
        if (classes < 1 || classes > source.Classes.Count)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{source.Name} has {source.Classes.Count} classes, so {classes} cannot be taken."));
        }

        if (count is null && classes is null)
        {
            return source;
        }

        var kept = classes ?? source.Classes.Count;
        var candidates = Enumerable.Range(0, source.Count).Where(index => source.Label(index) < kept);
        var indices = ClassBalance.Draw(source, candidates, count ?? source.Count, seed);
        return new SubsetImageSource(source, indices, [.. source.Classes.Take(kept)]);
    }
}
