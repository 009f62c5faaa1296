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
        (layout, Notes) = List();
        if (layout.Paths.Length == 0)
        {
            throw new SpectralKDException(
                $"The folder {root} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                + "in its class folders and in itself; name a folder with one sub-folder for each class."
                + string.Concat(Notes.Select(note => $" Note: {note}.")));
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
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public int Label(int index) => layout.Labels[index];

    /// <inheritdoc/>
    public string ItemName(int index) => layout.Paths[index];

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        using var room = DecodingRoom.Enter();
        return ImageDecoder.Decode(ReadBytes(index), ItemName(index));
    }

    private byte[] ReadBytes(int index)
    {
        try
        {
            // A pipe, a socket or a device has no length; opening a pipe would wait for somebody to write into it, and /dev/zero has no end.
            var path = Path.Combine(root, layout.Paths[index]);
            var length = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path).Length;
            ImageDecoder.CheckLength(length, ItemName(index));
            using var file = File.OpenRead(path);
            return ImageDecoder.ReadWhole(file, length, ItemName(index));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"The image {ItemName(index)} cannot be read: {error.Message}", error);
        }
    }

    private (ImageFolderLayout Layout, IReadOnlyList<string> Notes) List()
    {
        try
        {
            var tree = new FolderTree(root);
            var layout = ImageFolderLayout.Of(tree.Files, tree.Folders, Name);
            return (layout, [.. tree.Notes, .. layout.Notes]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"The folder {root} cannot be listed: {error.Message}", error);
        }
    }
}
