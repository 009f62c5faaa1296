namespace SpectralKD.Data;

/// <summary>
/// Which files of a tree are images and of which class: torchvision's ImageFolder. The folders at the top are the classes, sorted by
/// code unit; inside a class all nested files with an image extension count, sorted by their folder and then by their name. Images that lie
/// flat, without class folders, form one class. Hidden files and folders and macOS's <c>__MACOSX</c> are passed over.
/// </summary>
internal sealed class ImageFolderLayout
{
    /// <summary>torchvision's IMG_EXTENSIONS; compared without case.</summary>
    public static IReadOnlyList<string> Extensions { get; } =
        [".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"];

    private ImageFolderLayout(IReadOnlyList<string> classes, string[] paths, int[] labels) =>
        (Classes, Paths, Labels) = (classes, paths, labels);

    /// <summary>Class names in torchvision's order.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Paths of the images, relative to the root, separated by <c>/</c>.</summary>
    public string[] Paths { get; }

    /// <summary>For each path its class.</summary>
    public int[] Labels { get; }

    /// <summary>Sorts the files of a tree into classes.</summary>
    /// <param name="files">Paths of all files, relative to the root, separated by <c>/</c>.</param>
    /// <param name="folders">Names of the folders at the top, those without images included.</param>
    /// <param name="flatName">Name of the one class where there are no class folders.</param>
    /// <returns>A layout without paths if there is no image.</returns>
    public static ImageFolderLayout Of(IEnumerable<string> files, IEnumerable<string> folders, string flatName)
    {
        var images = files.Where(IsVisible).Where(HasImageExtension).ToList();
        var nested = images.Where(path => path.Contains('/', StringComparison.Ordinal)).ToList();
        if (nested.Count == 0)
        {
            images.Sort(StringComparer.Ordinal);
            return new ImageFolderLayout([flatName], [.. images], new int[images.Count]);
        }

        var classes = folders.Where(IsVisible).Distinct().Order(StringComparer.Ordinal).ToList();
        var numbers = classes.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number);
        var ordered = nested.Select(path => (path, label: numbers[path[..path.IndexOf('/', StringComparison.Ordinal)]]))
            .OrderBy(item => item.label)
            .ThenBy(item => Folder(item.path), StringComparer.Ordinal)
            .ThenBy(item => item.path, StringComparer.Ordinal)
            .ToList();
        return new ImageFolderLayout(classes, [.. ordered.Select(item => item.path)], [.. ordered.Select(item => item.label)]);
    }

    /// <summary>True if the file's extension is one of torchvision's, in any case.</summary>
    public static bool HasImageExtension(string path) =>
        Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>False if the path passes through a hidden name or <c>__MACOSX</c>.</summary>
    public static bool IsVisible(string path) =>
        !path.Split('/').Any(part => part.StartsWith('.') || part == "__MACOSX" || part.Length == 0);

    private static string Folder(string path) => path[..path.LastIndexOf('/')];
}
