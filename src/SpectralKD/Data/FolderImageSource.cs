namespace SpectralKD.Data;

/// <summary>Images in a folder with one sub-folder for each class (ImageFolder layout), or flat in one folder.</summary>
internal sealed class FolderImageSource : IImageSource, IOpenedImages
{
    private readonly string root;
    private readonly ImageFolderLayout layout;

    /// <summary>Lists the folder.</summary>
    /// <exception cref="SpectralKDException">The folder cannot be read or holds no image.</exception>
    public FolderImageSource(string folder)
    {
        root = Path.GetFullPath(folder);
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(root));
        layout = List();
        if (layout.Paths.Length == 0)
        {
            throw new SpectralKDException(
                $"The folder {root} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                + "in its class folders and in itself; name a folder with one sub-folder for each class.");
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public int Count => layout.Paths.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => layout.Classes;

    /// <inheritdoc/>
    public int Label(int index) => layout.Labels[index];

    /// <inheritdoc/>
    public string ItemName(int index) => layout.Paths[index];

    /// <inheritdoc/>
    public RgbImage Read(int index) => ImageDecoder.Decode(ReadBytes(index), ItemName(index));

    private byte[] ReadBytes(int index)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(root, layout.Paths[index]));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"The image {ItemName(index)} cannot be read: {error.Message}", error);
        }
    }

    private ImageFolderLayout List()
    {
        try
        {
            var files = Directory.EnumerateFiles(root, "*", Options).Select(Relative);
            var folders = Directory.EnumerateDirectories(root).Select(Relative);
            return ImageFolderLayout.Of(files, folders, Name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"The folder {root} cannot be listed: {error.Message}", error);
        }
    }

    private static EnumerationOptions Options => new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.None,
        MaxRecursionDepth = 32, // ends a circle of links
    };

    private string Relative(string path) => Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/');
}
