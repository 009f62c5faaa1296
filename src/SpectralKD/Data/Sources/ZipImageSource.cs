using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip;

namespace SpectralKD.Data;

/// <summary>
/// Images inside a zip archive in ImageFolder layout. Folders that wrap everything else are looked through. Reading is safe from several
/// threads: only the compressed bytes are read under a lock.
/// </summary>
internal sealed class ZipImageSource : IImageSource, IOpenedImages, IImageFiles, IDisposable
{
    private readonly ZipFile archive;
    private readonly string prefix;
    private readonly ImageFolderLayout layout;
    private readonly long[] entries;

    /// <summary>Lists the archive.</summary>
    /// <param name="path">The .zip file.</param>
    /// <param name="folder">A folder inside the archive (or inside the folders that wrap all) that is taken as the root, or empty.</param>
    /// <exception cref="SpectralKDException">The file is no zip, is truncated, or holds no image there.</exception>
    public ZipImageSource(string path, string folder)
    {
        (archive, var listing) = Open(path);
        try
        {
            prefix = folder.Length > 0 ? Named(listing, folder.Trim('/')) : Wrapper(listing);
            Name = Path.GetFileName(path) + (folder.Length > 0 ? "/" + folder.Trim('/') : "");
            var inside = listing.Files.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]);
            layout = ImageFolderLayout.Of(inside, listing.FoldersIn(prefix), Path.GetFileNameWithoutExtension(path));
            Notes = [.. listing.Notes, .. layout.Notes];
            entries = [.. layout.Paths.Select(image => (long)listing.Files[prefix + image])];
            if (entries.Length == 0)
            {
                throw new SpectralKDException(
                    $"The archive {Name} holds no images: looked for {string.Join(' ', ImageFolderLayout.Extensions)} "
                    + FormattableString.Invariant($"among {listing.Files.Count} files; it needs one folder for each class.")
                    + string.Concat(Notes.Select(note => $" Note: {note}.")));
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

    /// <inheritdoc/>
    public string Place => Path.GetFullPath(archive.Name) + "/" + prefix;

    /// <inheritdoc/>
    public string Stamp(int index) => archive[(int)entries[index]] is var entry ? FormattableString.Invariant($"{entry.Size} {entry.Crc:x8} {entry.DosTime}") : "";

    /// <inheritdoc/>
    public void Dispose() => archive.Close();

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
        var entry = archive[(int)entries[index]];
        ImageDecoder.CheckLength(entry.Size, ItemName(index));
        try
        {
            using var stream = archive.GetInputStream(entries[index]);
            var bytes = ImageDecoder.ReadWhole(stream, entry.Size, ItemName(index));
            if (stream.ReadByte() >= 0)
            {
                throw new SpectralKDException(FormattableString.Invariant(
                    $"The image {ItemName(index)} cannot be unpacked: it is longer than the {entry.Size} bytes that the archive gives as its size."));
            }

            return Checked(bytes, entry, ItemName(index));
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw new SpectralKDException($"The image {ItemName(index)} cannot be unpacked: {error.Message}", error);
        }
    }

    private static byte[] Checked(byte[] bytes, ZipEntry entry, string name)
    {
        var crc = new Crc32();
        crc.Update(new ArraySegment<byte>(bytes));
        return !entry.HasCrc || entry.AESKeySize > 0 || crc.Value == entry.Crc ? bytes : throw new SpectralKDException(
            $"The image {name} is damaged: its checksum (CRC-32) is not the one that the archive gives.");
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
