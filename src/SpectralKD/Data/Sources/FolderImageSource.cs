namespace SpectralKD.Data;

/// <summary>Images in a folder with one sub-folder for each class (ImageFolder layout), or flat in one folder.</summary>
internal sealed class FolderImageSource : IImageSource, IOpenedImages, IImageFiles
{
    private readonly string _root;
    private readonly ImageFolderLayout _layout;

    /// <summary>Lists the folder.</summary>
    /// <exception cref="SpectralKDException">The folder cannot be read or holds no image.</exception>
    public FolderImageSource(string folder)
    {
        _root = Path.GetFullPath(folder);
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(_root));
        (_layout, Notes) = List();
        if (_layout.Paths.Length == 0)
        {
            throw new SpectralKDException(
                $"the folder {_root} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                + "in its class folders and in itself; name a folder with one sub-folder for each class"
                + string.Concat(Notes.Select(note => $"; note: {note}")));
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public int Count => _layout.Paths.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => _layout.Classes;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public int Label(int index) => _layout.Labels[index];

    /// <inheritdoc/>
    public string ItemName(int index) => _layout.Paths[index];

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        using var room = DecodingRoom.Enter();
        return ImageDecoder.Decode(ReadBytes(index), ItemName(index));
    }

    /// <inheritdoc/>
    public string Place => _root;

    /// <inheritdoc/>
    public string Stamp(int index)
    {
        try
        {
            var path = Path.Combine(_root, _layout.Paths[index]);
            var file = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            return FormattableString.Invariant($"{file.Length} {file.LastWriteTimeUtc.Ticks}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "cannot be read";
        }
    }

    private byte[] ReadBytes(int index)
    {
        try
        {
            // A pipe, a socket or a device has no length; opening a pipe would wait for somebody to write into it, and /dev/zero has no end.
            var path = Path.Combine(_root, _layout.Paths[index]);
            var length = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path).Length;
            ImageDecoder.CheckLength(length, ItemName(index));
            using var file = File.OpenRead(path);
            return ImageDecoder.ReadWhole(file, length, ItemName(index));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the image {ItemName(index)} cannot be read: {error.Message}", error);
        }
    }

    private (ImageFolderLayout Layout, IReadOnlyList<string> Notes) List()
    {
        try
        {
            var tree = new FolderTree(_root);
            var layout = ImageFolderLayout.Of(tree.Files, tree.Folders, Name);
            return (layout, [.. tree.Notes, .. layout.Notes]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the folder {_root} cannot be listed: {error.Message}", error);
        }
    }
}

/// <summary>
/// Which files of a tree are images and of which class: torchvision's ImageFolder. The folders at the top are the classes, sorted by
/// code unit; inside a class all nested files with an image extension count, sorted by their folder and then by their name. Images that lie
/// flat, without class folders, form one class. Hidden files and folders and macOS's <c>__MACOSX</c> are passed over.
/// </summary>
internal sealed class ImageFolderLayout
{
    /// <summary>How many folders, each the only one with images in the other, are looked through for what they wrap.</summary>
    public const int MostWrappers = 8;

    /// <summary>The folder that wraps all that counts: the only one of these, or else the only one of them that holds images; null if there is none.</summary>
    public static string? WrapperIn(IReadOnlyList<string> folders, string path, Predicate<string> holdsImages) =>
        folders is [var single] ? single
        : folders.Where(folder => holdsImages(path + folder)).Take(2).ToList() is [var only] ? only
        : null;

    /// <summary>torchvision's IMG_EXTENSIONS; compared without case.</summary>
    public static IReadOnlyList<string> Extensions { get; } =
        [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"];

    // Files that people take for images and torchvision does not list.
    private static readonly string[] OtherKinds = [".gif", ".jfif", ".heic", ".heif", ".avif", ".jxl", ".jp2"];

    private ImageFolderLayout(IReadOnlyList<string> classes, string[] paths, int[] labels, IReadOnlyList<string> notes) =>
        (Classes, Paths, Labels, Notes) = (classes, paths, labels, notes);

    /// <summary>Class names in torchvision's order.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Paths of the images, relative to the root, separated by <c>/</c>.</summary>
    public string[] Paths { get; }

    /// <summary>For each path its class.</summary>
    public int[] Labels { get; }

    /// <summary>Which images were passed over, and what looks like a mistake in the folders; one line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Sorts the files of a tree into classes.</summary>
    /// <param name="files">Paths of all files, relative to the root, separated by <c>/</c>.</param>
    /// <param name="folders">Names of the folders at the top, those without images included.</param>
    /// <param name="flatName">Name of the one class where there are no class folders.</param>
    /// <returns>A layout without paths if there is no image.</returns>
    public static ImageFolderLayout Of(IEnumerable<string> files, IEnumerable<string> folders, string flatName)
    {
        var (images, hidden, others) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var path in files)
        {
            var list = !HasImageExtension(path) ? (IsOtherKind(path) && IsVisible(path) ? others : null)
                : IsVisible(path) ? images
                : IsLeftByMacOs(path) ? null : hidden;
            list?.Add(path);
        }

        List<string> notes =
        [
            .. Note(hidden, "hidden image is", "hidden images are", "left out: a name on the path begins with a dot"),
            .. Note(others, "file is", "files are", $"left out: of other kinds than {string.Join(' ', Extensions)}"),
        ];
        var nested = images.Where(path => path.Contains('/', StringComparison.Ordinal)).ToList();
        if (nested.Count == 0)
        {
            images.Sort(StringComparer.Ordinal);
            return new ImageFolderLayout([flatName], [.. images], new int[images.Count], notes);
        }

        var classes = folders.Where(IsVisible).Distinct().Order(StringComparer.Ordinal).ToList();
        var numbers = classes.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number);
        var ordered = nested.Select(path => (path, label: numbers[FirstFolder(path)]))
            .OrderBy(item => item.label)
            .ThenBy(item => Folder(item.path), StringComparer.Ordinal)
            .ThenBy(item => item.path, StringComparer.Ordinal)
            .ToList();
        var used = ordered.Select(item => item.label).ToHashSet();
        notes.AddRange(Note([.. images.Where(path => !path.Contains('/', StringComparison.Ordinal))], "image is", "images are", "left out, beside the class folders"));
        notes.AddRange(Note([.. classes.Where((_, number) => !used.Contains(number))], "class folder holds", "class folders hold", "no image"));
        notes.AddRange(used.Count <= 3 ? DoubtfulClasses(nested) : []);
        return new ImageFolderLayout(classes, [.. ordered.Select(item => item.path)], [.. ordered.Select(item => item.label)], notes);
    }

    /// <summary>True if the file's extension is one of torchvision's, in any case.</summary>
    public static bool HasImageExtension(string path) =>
        Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>False if the path passes through a hidden name or <c>__MACOSX</c>.</summary>
    public static bool IsVisible(string path) =>
        !path.Split('/').Any(part => part.StartsWith('.') || part == "__MACOSX" || part.Length == 0);

    // A few classes that hold nothing but folders of the same names are rather parts of a data set, and one such class the folder that wraps it.
    private static IEnumerable<string> DoubtfulClasses(List<string> nested)
    {
        var inside = nested.GroupBy(FirstFolder, path => path[(path.IndexOf('/', StringComparison.Ordinal) + 1)..])
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (Class: group.Key, Deep: group.All(path => path.Contains('/', StringComparison.Ordinal)), Paths: group)).ToList();
        if (inside.Any(item => !item.Deep))
        {
            return [];
        }

        var folders = inside.Select(item => item.Paths.Select(FirstFolder).ToHashSet(StringComparer.Ordinal)).ToList();
        return folders[0].Count > 1 && folders.All(set => set.SetEquals(folders[0]))
            ? [$"each class ({PlainText.Names(inside.Select(item => item.Class).ToList())}) holds only the folders {PlainText.Names(folders[0].Order(StringComparer.Ordinal).ToList())}: "
                + $"if these are the classes, name {PlainText.Names([inside[0].Class])} inside the source"]
            : [];
    }

    private static IEnumerable<string> Note(List<string> paths, string one, string many, string words) => paths.Count == 0
        ? []
        : [FormattableString.Invariant($"{paths.Count} {(paths.Count == 1 ? one : many)} {words} ({PlainText.Names(paths)})")];

    private static bool IsOtherKind(string path) => OtherKinds.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    // The resource forks that macOS lays beside files are no images.
    private static bool IsLeftByMacOs(string path) => path.Split('/').Any(part => part == "__MACOSX" || part.StartsWith("._", StringComparison.Ordinal));

    private static string FirstFolder(string path) => path[..path.IndexOf('/', StringComparison.Ordinal)];

    private static string Folder(string path) => path[..path.LastIndexOf('/')];
}
