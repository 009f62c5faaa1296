using System.Text;
using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip;

namespace SpectralKD.Data;

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
