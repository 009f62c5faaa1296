namespace SpectralKD.Data;

/// <summary>Opens labelled image sets by the name that a user types.</summary>
/// <example><code>
/// var textures = ImageSources.Open("textures", count: 100, size: 64);       // drawn, always there
/// var photos = ImageSources.Open("imagenet/val", count: 500, classes: 50);  // a folder or a zip, a folder for each class
/// </code></example>
public static class ImageSources
{
    private const string Choices = "name textures, cifar10, a folder of images or a .zip archive.";
    private const string TestPart = "/test";

    /// <summary>All kinds of sources, for help texts.</summary>
    internal const string Words = "textures, cifar10, cifar10/test, or a folder or .zip of images with one folder a class";

    /// <summary>The sources that have names.</summary>
    internal static readonly string[] Names = [Textures.SourceName, Cifar10.SourceName, Cifar10.SourceName + TestPart];
    private static readonly string[] TrainingParts = ["train", "training"];
    private static readonly string[] ValidationParts = ["val", "valid", "validation", "test"];

    /// <summary>
    /// Opens <c>textures</c> (built in), <c>cifar10</c> (downloaded once; <c>cifar10/test</c> are its test images), a folder, or a .zip archive in
    /// torchvision's ImageFolder layout: one folder for each class, or images without class folders as one class. A folder inside an archive is
    /// named after it: <c>photos.zip/train</c>. <see cref="IImageSource.Notes"/> says what was left out.
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
            throw new SpectralKDException($"no image source was named: {Choices}");
        }

        RequirePath(source);
        if (count <= 0)
        {
            throw new SpectralKDException(FormattableString.Invariant($"the number of images must be at least 1, but is {count}"));
        }

        return IsNamed(source, Textures.SourceName)
            ? Textures.Create(count ?? Textures.DefaultCount, size ?? Textures.DefaultSize, classes ?? Textures.ClassNames.Count, seed)
            : Remembering(Subset(OpenFiles(source), count, classes, seed), QueryOf(source, count, classes, seed));
    }

    /// <summary>How the source is to be named so that it is found from any folder.</summary>
    internal static string FullName(string source) =>
        IsNamed(source, Textures.SourceName) || IsNamed(source, Cifar10.SourceName) || IsNamed(source, Cifar10.SourceName + TestPart)
            ? source.ToLowerInvariant() : Path.GetFullPath(source);

    /// <summary>What <see cref="Open"/> is asked for by these values.</summary>
    internal static ImageQuery QueryOf(string source, int? count, int? classes, int seed) =>
        new() { Source = FullName(source), Count = count, Classes = classes, Seed = count is null ? 0 : seed };

    /// <summary>The training and the validation part of a source that has them, by the names that <see cref="Open"/> understands; else null.</summary>
    internal static (string Train, string Validation)? FindParts(string source)
    {
        RequirePath(source);
        if (IsNamed(source, Cifar10.SourceName) || Cifar10.IsCopy(source))
        {
            return (source, source + TestPart);
        }

        var (foldersIn, holdsImages) = Folders(source);
        var wrapper = "";
        for (var depth = 0; depth < ImageFolderLayout.MostWrappers; depth++)
        {
            var folders = foldersIn(wrapper);
            var (train, validation) = (Part(folders, TrainingParts), Part(folders, ValidationParts));
            if (train is not null && validation is not null)
            {
                return (Inside(source, wrapper + train), Inside(source, wrapper + validation));
            }

            if (ImageFolderLayout.WrapperIn(folders, wrapper, holdsImages) is not { } only)
            {
                break;
            }

            wrapper += only + "/";
        }

        return null;
    }

    private static void RequirePath(string source)
    {
        if (source.Contains('\0', StringComparison.Ordinal))
        {
            throw new SpectralKDException($"the image source {source} is no path: it holds a character of the code 0; {Choices}");
        }
    }

    private static IImageSource Remembering(IImageSource images, ImageQuery query)
    {
        if (images is IOpenedImages opened)
        {
            opened.Query = query;
        }

        return images;
    }

    private static IImageSource OpenFiles(string source)
    {
        var isTest = source.EndsWith(TestPart, StringComparison.OrdinalIgnoreCase);
        var whole = isTest ? source[..^TestPart.Length] : source;
        if (IsNamed(whole, Cifar10.SourceName) || Cifar10.IsCopy(whole))
        {
            return Cifar10.Open(isTest, Cifar10.IsCopy(whole) ? whole : null);
        }

        if (FindParts(source) is var (train, validation))
        {
            throw new SpectralKDException($"{source} holds a training and a validation part: name {train} or {validation}");
        }

        return Directory.Exists(source) ? new FolderImageSource(source)
            : SplitArchivePath(source) is (not null and var archive, var inside) ? new ZipImageSource(archive, inside)
            : throw new SpectralKDException(File.Exists(source)
                ? $"the image source {source} is a file, but no .zip archive: {Choices}"
                : $"there is no image source {source}{NearestName.Suggestion(source, Names)}: neither a folder nor a .zip archive was found at {Path.GetFullPath(source)}; {Choices}");
    }

    // The names of the folders in each folder of a source (the top is the empty path, others end in a slash), and whether a folder holds images.
    private static (Func<string, IReadOnlyList<string>> In, Predicate<string> HoldsImages) Folders(string source)
    {
        if (Directory.Exists(source))
        {
            return (inside => FoldersOf(Path.Join(source, inside)), folder => HoldsImages(Path.GetFullPath(Path.Join(source, folder))));
        }

        if (SplitArchivePath(source) is not (not null and var archive, var folder) || ZipImageSource.List(archive) is not { } listing)
        {
            return (_ => [], _ => false);
        }

        var top = folder.Length > 0 ? folder + "/" : "";
        return (inside => listing.FoldersIn(top + inside), inside => listing.HoldsImages(top + inside));
    }

    private static string[] FoldersOf(string path)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(path).Select(folder => Path.GetFileName(folder)!).Where(ImageFolderLayout.IsVisible)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // listing the folder will say why
        }
    }

    private static bool HoldsImages(string folder)
    {
        try
        {
            return FolderTree.HoldsImages(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true; // listing the folder will say why
        }
    }

    private static string? Part(IReadOnlyList<string> folders, string[] names) => names
        .Select(name => folders.FirstOrDefault(folder => IsNamed(folder, name))).FirstOrDefault(folder => folder is not null);

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
                $"{source.Name} has {source.Classes.Count} classes, so {classes} cannot be taken"));
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

    private static string Inside(string source, string part) => source.TrimEnd('/', '\\') + "/" + part;

    private static bool IsNamed(string source, string name) => string.Equals(source, name, StringComparison.OrdinalIgnoreCase);
}
