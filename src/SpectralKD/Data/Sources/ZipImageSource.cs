using System.Text;
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

/// <summary>
/// The files and folders of a zip archive under the paths that unpacking gives them. An entry's name is its Info-ZIP Unicode path (field
/// 0x7075) where that belongs to the name, UTF-8 where its flag says so, and else UTF-8 if all such names are that (macOS writes them), or CP437.
/// Every byte has its own character in CP437, so names in GBK, Shift-JIS or CP866 read strangely, but none is lost and none becomes another.
/// </summary>
internal sealed class ZipListing
{
    private const int UnicodePathField = 0x7075;
    private const int FileKindMask = 0xF000;
    private const int RegularFile = 0x8000;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private static readonly Encoding OldCodePage = CodePagesEncodingProvider.Instance.GetEncoding(437)!;
    private readonly Dictionary<string, int> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
    private readonly List<string> _notes = [];
    private HashSet<string>? _withImages;

    private ZipListing()
    {
    }

    /// <summary>Opens an archive so that its names are the bytes as they stand, one character for each: what <see cref="Of"/> needs.</summary>
    public static ZipFile Open(string path) => new(path, StringCodec.FromEncoding(Encoding.Latin1).WithForcedLegacyEncoding());

    /// <summary>For each file's path, relative and separated by <c>/</c>, the number of its entry.</summary>
    public IReadOnlyDictionary<string, int> Files => _files;

    /// <summary>What was left out, one line each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Lists an archive that <see cref="Open"/> opened.</summary>
    public static ZipListing Of(ZipFile archive)
    {
        var entries = Enumerable.Range(0, checked((int)archive.Count)).Select(i => archive[i]).ToList();
        var unmarked = entries.All(entry => entry.IsUnicodeText || IsUtf8(Bytes(entry))) ? StrictUtf8 : OldCodePage;
        var (listing, links, repeated) = (new ZipListing(), new List<string>(), new List<string>());
        for (var i = 0; i < entries.Count; i++)
        {
            var name = Name(entries[i], unmarked);
            var path = Unpacked(name);
            if (entries[i].IsDirectory || name.EndsWith('/') || name.EndsWith('\\'))
            {
                listing.AddFolder(path);
            }
            else if (IsSpecial(entries[i]))
            {
                links.Add(path);
            }
            else if (path.Length > 0)
            {
                listing.AddFolder(path[..Math.Max(0, path.LastIndexOf('/'))]);
                if (!listing._files.TryAdd(path, i))
                {
                    repeated.Add(path);
                    listing._files[path] = i;
                }
            }
        }

        listing.Note(links, "is a link or a device and is left out", "are links or devices and are left out");
        listing.Note(repeated, "has the path of another", "have the paths of others", ": as in unpacking, the last of each path counts");
        return listing;
    }

    /// <summary>Names of the folders directly in a folder; hidden ones and macOS's are passed over.</summary>
    /// <param name="prefix">The folder's path with its slash, or empty for the top.</param>
    public IReadOnlyList<string> FoldersIn(string prefix) =>
    [
        .. _folders.Where(path => path.Length > prefix.Length && path.StartsWith(prefix, StringComparison.Ordinal)
                && !path.AsSpan(prefix.Length).Contains('/'))
            .Select(path => path[prefix.Length..]).Where(ImageFolderLayout.IsVisible),
    ];

    /// <summary>True if there is a folder of this path.</summary>
    public bool HasFolder(string path) => _folders.Contains(path);

    /// <summary>True if there is an image that counts somewhere below the folder of this path.</summary>
    public bool HoldsImages(string path) => (_withImages ??= FoldersWithImages()).Contains(path);

    private HashSet<string> FoldersWithImages()
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var image in _files.Keys.Where(ImageFolderLayout.HasImageExtension).Where(ImageFolderLayout.IsVisible))
        {
            for (var end = image.LastIndexOf('/'); end > 0 && found.Add(image[..end]); end = image.LastIndexOf('/', end - 1))
            {
            }
        }

        return found;
    }

    private static string Name(ZipEntry entry, Encoding unmarked)
    {
        var bytes = Bytes(entry);
        return UnicodePath(entry, bytes)
            ?? (entry.IsUnicodeText ? (IsUtf8(bytes) ? StrictUtf8 : OldCodePage) : unmarked).GetString(bytes);
    }

    // Field 0x7075: a version byte (1), the CRC of the name that it belongs to, the name in UTF-8.
    private static string? UnicodePath(ZipEntry entry, byte[] name)
    {
        using var fields = new ZipExtraData(entry.ExtraData ?? []);
        if (!fields.Find(UnicodePathField) || fields.ValueLength < 6 || fields.ReadByte() != 1)
        {
            return null;
        }

        var expected = (uint)fields.ReadInt();
        var crc = new Crc32();
        crc.Update(new ArraySegment<byte>(name));
        var path = new byte[fields.UnreadCount];
        for (var i = 0; i < path.Length; i++)
        {
            path[i] = (byte)fields.ReadByte();
        }

        return crc.Value == expected && IsUtf8(path) ? StrictUtf8.GetString(path) : null;
    }

    /// <summary>Where Python's zipfile unpacks a name to; as unzip and libarchive do, backslashes divide a name that has no slash.</summary>
    private static string Unpacked(string name)
    {
        var slashed = name.Contains('/', StringComparison.Ordinal) ? name : name.Replace('\\', '/');
        var parts = slashed.Split('/');
        return parts.Any(part => part is "" or "." or "..") ? string.Join('/', parts.Where(part => part is not ("" or "." or ".."))) : slashed;
    }

    private static bool IsSpecial(ZipEntry entry) => entry.HostSystem == (int)HostSystemID.Unix
        && ((entry.ExternalFileAttributes >> 16) & FileKindMask) is not (0 or RegularFile);

    private static byte[] Bytes(ZipEntry entry) => Encoding.Latin1.GetBytes(entry.Name);

    private static bool IsUtf8(byte[] bytes) => System.Text.Unicode.Utf8.IsValid(bytes);

    private void AddFolder(string path)
    {
        while (path.Length > 0 && _folders.Add(path))
        {
            path = path[..Math.Max(0, path.LastIndexOf('/'))];
        }
    }

    private void Note(List<string> paths, string isOne, string areMany, string reason = "")
    {
        if (paths.Count > 0)
        {
            _notes.Add(FormattableString.Invariant(
                $"{paths.Count} of the archive's entries {(paths.Count == 1 ? isOne : areMany)} ({PlainText.Names(paths)}){reason}"));
        }
    }
}
