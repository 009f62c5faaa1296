using System.Buffers.Binary;
using System.Text;

namespace SpectralKD.Weights.Zip;

/// <summary>
/// A file in an archive: where its bytes begin, how many they are, and how many they take there, which differs where <paramref name="Deflated"/>. A
/// checksum of 0 was not computed (torch.save leaves it out on request).
/// </summary>
internal sealed record ZipEntry(string Name, long Offset, long Length, uint Crc32, long StoredLength, bool Deflated);

/// <summary>
/// The directory of a zip archive. torch.save stores entries without compression: each is then a plain window of the mapped file; an archive that
/// was unpacked and zipped again may be deflated. Zip64 included. Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.
/// </summary>
internal static class ZipIndex
{
    private const int EntryLength = 46, LocalLength = 30;
    private const ushort Stored = 0, Deflate = 8;
    private const int MaximumEntries = 1_000_000;
    private const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;

    /// <summary>Reads the directory and checks that every entry lies inside the file, before the directory.</summary>
    public static IReadOnlyDictionary<string, ZipEntry> Read(MappedFile file)
    {
        var end = ZipEnd.Find(file);
        if (end.Entries > MaximumEntries)
        {
            throw new SpectralKDException($"its zip directory claims {end.Entries} entries; at most {MaximumEntries} are read");
        }

        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var position = end.DirectoryOffset;
        for (long i = 0; i < end.Entries; i++)
        {
            var (entry, next) = ReadEntry(file, position, end);
            if (!entries.TryAdd(entry.Name, entry))
            {
                throw new SpectralKDException($"its zip directory names '{entry.Name}' twice");
            }

            position = next;
        }

        return entries;
    }

    private static (ZipEntry Entry, long Next) ReadEntry(MappedFile file, long position, ZipEnd end)
    {
        var head = Window(file, position, EntryLength, end.DirectoryEnd);
        if (U32(head, 0) != EntrySignature)
        {
            throw new SpectralKDException($"its zip directory is damaged at byte {position}");
        }

        var rest = position + EntryLength;
        var (nameLength, extraLength) = (U16(head, 28), U16(head, 30));
        var name = Encoding.UTF8.GetString(Window(file, rest, nameLength, end.DirectoryEnd));
        var extra = Window(file, rest + nameLength, extraLength, end.DirectoryEnd);
        var sizes = new ZipSizes(U32(head, 24), U32(head, 20), U32(head, 42)).WithExtra(extra);
        var method = U16(head, 10);
        if (method is not (Stored or Deflate) || (U16(head, 8) & 1) != 0 || (method == Stored && sizes.Length != sizes.StoredLength))
        {
            throw new SpectralKDException($"its entry '{name}' is encrypted or compressed by method {method}, not stored or deflated; unpack and re-save it");
        }

        var offset = DataOffset(file, name, sizes, end.DirectoryOffset);
        return (new ZipEntry(name, offset, sizes.Length, U32(head, 16), sizes.StoredLength, method == Deflate), rest + nameLength + extraLength + U16(head, 32));
    }

    private static long DataOffset(MappedFile file, string name, ZipSizes sizes, long limit)
    {
        var local = Window(file, sizes.LocalOffset, LocalLength, limit);
        if (U32(local, 0) != LocalSignature)
        {
            throw new SpectralKDException($"its entry '{name}' has no header at byte {sizes.LocalOffset}");
        }

        var offset = sizes.LocalOffset + LocalLength + U16(local, 26) + U16(local, 28);
        return sizes.StoredLength <= limit - offset
            ? offset
            : throw new SpectralKDException($"its entry '{name}' claims {sizes.StoredLength} bytes, but only {Math.Max(0, limit - offset)} follow");
    }

    /// <summary>A window that must end before a limit.</summary>
    private static ReadOnlySpan<byte> Window(MappedFile file, long offset, int length, long limit) =>
        offset >= 0 && offset <= limit - length
            ? file.Slice(offset, length)
            : throw new SpectralKDException($"its zip structure points outside of the file (byte {offset} of {limit})");

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
}
