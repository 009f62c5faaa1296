using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.Zip;

namespace SpectralKD.Data;

/// <summary>
/// Images inside a zip archive in ImageFolder layout. One folder that wraps everything else is looked through. Reading is safe from several
/// threads: only the compressed bytes are read under a lock.
/// </summary>
internal sealed class ZipImageSource : IImageSource, IOpenedImages, IDisposable
{
    private const long MaximumBytes = 256L << 20;
    private readonly ZipFile archive;
    private readonly string prefix;
    private readonly ImageFolderLayout layout;
    private readonly long[] entries;

    /// <summary>Lists the archive.</summary>
    /// <param name="path">The .zip file.</param>
    /// <param name="folder">A folder inside the archive that is taken as the root, or empty.</param>
    /// <exception cref="SpectralKDException">The file is no zip, is truncated, or holds no image there.</exception>
    public ZipImageSource(string path, string folder)
    {
        archive = Open(path);
        try
        {
            var files = Enumerable.Range(0, (int)archive.Count).Where(i => archive[i].IsFile)
                .GroupBy(i => archive[i].Name).ToDictionary(group => group.Key, group => (long)group.Last());
            prefix = folder.Length > 0 ? folder.Trim('/') + "/" : Wrapper(files.Keys);
            Name = Path.GetFileName(path) + (folder.Length > 0 ? "/" + folder.Trim('/') : "");
            layout = List(files.Keys, Path.GetFileNameWithoutExtension(path));
            entries = [.. layout.Paths.Select(image => files[prefix + image])];
            if (entries.Length == 0)
            {
                throw new SpectralKDException(
                    $"The archive {Name} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                    + FormattableString.Invariant($"among {files.Count} files; it needs one folder for each class."));
            }
        }
        catch
        {
            archive.Close();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public int Count => entries.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => layout.Classes;

    /// <inheritdoc/>
    public int Label(int index) => layout.Labels[index];

    /// <inheritdoc/>
    public string ItemName(int index) => layout.Paths[index];

    /// <inheritdoc/>
    public RgbImage Read(int index) => ImageDecoder.Decode(ReadBytes(index), ItemName(index));

    /// <inheritdoc/>
    public void Dispose() => archive.Close();

    /// <summary>Names of the folders at the top of an archive; none if it cannot be read.</summary>
    public static IReadOnlyList<string> TopFolders(string path)
    {
        try
        {
            using var archive = new ZipFile(path);
            return [.. archive.Cast<ZipEntry>().Select(entry => entry.Name).Where(name => name.Contains('/', StringComparison.Ordinal))
                .Select(FirstFolder).Distinct()];
        }
        catch (Exception error) when (error is IOException or SharpZipBaseException or UnauthorizedAccessException)
        {
            return []; // opening the archive will say why
        }
    }

    private byte[] ReadBytes(int index)
    {
        var entry = archive[(int)entries[index]];
        if (entry.Size is < 0 or > MaximumBytes)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"The image {ItemName(index)} is refused: the archive gives its size as {entry.Size} bytes, the limit is {MaximumBytes}."));
        }

        try
        {
            using var stream = archive.GetInputStream(entries[index]);
            var bytes = new byte[entry.Size];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (error is IOException or SharpZipBaseException or NotSupportedException)
        {
            throw new SpectralKDException($"The image {ItemName(index)} cannot be unpacked: {error.Message}", error);
        }
    }

    private static ZipFile Open(string path)
    {
        try
        {
            return new ZipFile(path);
        }
        catch (Exception error) when (error is IOException or SharpZipBaseException or UnauthorizedAccessException)
        {
            throw new SpectralKDException(StartsAsZip(path)
                ? $"The archive {path} is truncated or damaged: its list of contents at the end cannot be read; copy or download it again."
                : $"The file {path} is not a zip archive.", error);
        }
    }

    private static bool StartsAsZip(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return file.ReadByte() == 'P' && file.ReadByte() == 'K';
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"The archive {path} cannot be read: {error.Message}", error);
        }
    }

    private ImageFolderLayout List(IEnumerable<string> names, string flatName)
    {
        var inside = names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]).ToList();
        var folders = inside.Where(name => name.Contains('/', StringComparison.Ordinal)).Select(FirstFolder);
        return ImageFolderLayout.Of(inside, folders, flatName);
    }

    /// <summary>The one top folder (with its slash) that holds folders with images and nothing beside it; else empty.</summary>
    private static string Wrapper(IEnumerable<string> names)
    {
        var images = names.Where(ImageFolderLayout.IsVisible).Where(ImageFolderLayout.HasImageExtension).ToList();
        var tops = images.Select(name => name.Contains('/', StringComparison.Ordinal) ? FirstFolder(name) : "").Distinct().ToList();
        return tops is [{ Length: > 0 } top] && images.Any(name => name.AsSpan(top.Length + 1).Contains('/')) ? top + "/" : "";
    }

    private static string FirstFolder(string name) => name[..name.IndexOf('/', StringComparison.Ordinal)];
}
