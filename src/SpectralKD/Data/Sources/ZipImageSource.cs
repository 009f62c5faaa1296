using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip;

namespace SpectralKD.Data;

/// <summary>
/// Images inside a zip archive in ImageFolder layout. Folders that wrap everything else are looked through. Reading is safe from several
/// threads: only the compressed bytes are read under a lock.
/// </summary>
internal sealed class ZipImageSource : IImageSource, IOpenedImages, IImageFiles, IDisposable
{
    private readonly ZipFile _archive;
    private readonly string _prefix;
    private readonly ImageFolderLayout _layout;
    private readonly long[] _entries;

    /// <summary>Lists the archive.</summary>
    /// <param name="path">The .zip file.</param>
    /// <param name="folder">A folder inside the archive (or inside the folders that wrap all) that is taken as the root, or empty.</param>
    /// <exception cref="SpectralKDException">The file is no zip, is truncated, or holds no image there.</exception>
    public ZipImageSource(string path, string folder)
    {
        (_archive, var listing) = Open(path);
        try
        {
            _prefix = folder.Length > 0 ? Named(listing, folder.Trim('/')) : Wrapper(listing);
            Name = Path.GetFileName(path) + (folder.Length > 0 ? "/" + folder.Trim('/') : "");
            var inside = listing.Files.Keys.Where(name => name.StartsWith(_prefix, StringComparison.Ordinal)).Select(name => name[_prefix.Length..]);
            _layout = ImageFolderLayout.Of(inside, listing.FoldersIn(_prefix), Path.GetFileNameWithoutExtension(path));
            Notes = [.. listing.Notes, .. _layout.Notes];
            _entries = [.. _layout.Paths.Select(image => (long)listing.Files[_prefix + image])];
            if (_entries.Length == 0)
            {
                throw new SpectralKDException(
                    $"the archive {Name} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                    + FormattableString.Invariant($"among {listing.Files.Count} files; it needs one folder for each class")
                    + string.Concat(Notes.Select(note => $"; note: {note}")));
            }
        }
        catch
        {
            _archive.Close();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public int Count => _entries.Length;

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
    public string Place => Path.GetFullPath(_archive.Name) + "/" + _prefix;

    /// <inheritdoc/>
    public string Stamp(int index) => _archive[(int)_entries[index]] is var entry ? FormattableString.Invariant($"{entry.Size} {entry.Crc:x8} {entry.DosTime}") : "";

    /// <inheritdoc/>
    public void Dispose() => _archive.Close();

    /// <summary>What is in an archive; null if it cannot be read (opening it will say why).</summary>
    public static ZipListing? List(string path)
    {
        try
        {
            var (archive, listing) = Open(path);
            archive.Close();
            return listing;
        }
        catch (SpectralKDException)
        {
            return null;
        }
    }

    // The library meets damaged archives with IndexOutOfRangeException, ArgumentException, OverflowException, … beside its own exceptions.
    private static bool IsDamage(Exception error) => error is not (SpectralKDException or OutOfMemoryException or OperationCanceledException);

    private byte[] ReadBytes(int index)
    {
        var entry = _archive[(int)_entries[index]];
        ImageDecoder.CheckLength(entry.Size, ItemName(index));
        try
        {
            using var stream = _archive.GetInputStream(_entries[index]);
            var bytes = ImageDecoder.ReadWhole(stream, entry.Size, ItemName(index));
            if (stream.ReadByte() >= 0)
            {
                throw new SpectralKDException(FormattableString.Invariant(
                    $"the image {ItemName(index)} cannot be unpacked: it is longer than the {entry.Size} bytes that the archive gives as its size"));
            }

            return Checked(bytes, entry, ItemName(index));
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw new SpectralKDException($"the image {ItemName(index)} cannot be unpacked: {error.Message}", error);
        }
    }

    private static byte[] Checked(byte[] bytes, ZipEntry entry, string name)
    {
        var crc = new Crc32();
        crc.Update(new ArraySegment<byte>(bytes));
        return !entry.HasCrc || entry.AESKeySize > 0 || crc.Value == entry.Crc ? bytes : throw new SpectralKDException(
            $"the image {name} is damaged: its checksum (CRC-32) is not the one that the archive gives");
    }

    private static (ZipFile Archive, ZipListing Listing) Open(string path)
    {
        ZipFile? archive = null;
        try
        {
            archive = ZipListing.Open(path);
            return (archive, ZipListing.Of(archive));
        }
        catch (Exception error) when (IsDamage(error))
        {
            archive?.Close();
            throw new SpectralKDException(StartsAsZip(path)
                ? $"the archive {path} is truncated or damaged: its list of contents at the end cannot be read; copy or download it again"
                : $"the file {path} is not a zip archive", error);
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
            throw new SpectralKDException($"the archive {path} cannot be read: {error.Message}", error);
        }
    }

    private static string Named(ZipListing listing, string folder)
    {
        var (wrapper, depth) = ("", 0);
        while (!listing.HasFolder(wrapper + folder) && depth++ < ImageFolderLayout.MostWrappers
            && ImageFolderLayout.WrapperIn(listing.FoldersIn(wrapper), wrapper, listing.HoldsImages) is { } only)
        {
            wrapper += only + "/";
        }

        return wrapper + folder + "/";
    }

    /// <summary>The folders (with their slashes) one in the other, that hold all images, in folders; empty where there are none.</summary>
    private static string Wrapper(ZipListing listing)
    {
        var images = listing.Files.Keys.Where(ImageFolderLayout.IsVisible).Where(ImageFolderLayout.HasImageExtension).ToList();
        var wrapper = "";
        while (true)
        {
            var end = images.Count > 0 ? images[0].IndexOf('/', wrapper.Length) + 1 : 0;
            if (end == 0 || !images.All(name => name.StartsWith(images[0][..end], StringComparison.Ordinal))
                || !images.Any(name => name.AsSpan(end).Contains('/')))
            {
                return wrapper;
            }

            wrapper = images[0][..end];
        }
    }
}
