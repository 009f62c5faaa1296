using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace SpectralKD.Weights;

/// <summary>
/// A file in an archive: where its bytes begin, how many they are, and how many they take there, which differs where <paramref name="Deflated"/>. A
/// checksum of 0 was not computed (torch.save leaves it out on request).
/// </summary>
internal sealed record ArchiveEntry(string Name, long Offset, long Length, uint Crc32, long StoredLength, bool Deflated);

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
    public static IReadOnlyDictionary<string, ArchiveEntry> Read(MappedFile file)
    {
        var end = ZipEnd.Find(file);
        if (end.Entries > MaximumEntries)
        {
            throw new SpectralKDException($"its zip directory claims {end.Entries} entries; at most {MaximumEntries} are read");
        }

        var entries = new Dictionary<string, ArchiveEntry>(StringComparer.Ordinal);
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

    private static (ArchiveEntry Entry, long Next) ReadEntry(MappedFile file, long position, ZipEnd end)
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
        return (new ArchiveEntry(name, offset, sizes.Length, U32(head, 16), sizes.StoredLength, method == Deflate), rest + nameLength + extraLength + U16(head, 32));
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

/// <summary>The end record of a zip archive: where its directory lies and how many entries it has.</summary>
internal readonly record struct ZipEnd(long DirectoryOffset, long DirectoryEnd, long Entries)
{
    private const int EndLength = 22, LocatorLength = 20, Zip64Length = 56, LongestComment = ushort.MaxValue;
    private const uint EndSignature = 0x06054b50, LocatorSignature = 0x07064b50, Zip64Signature = 0x06064b50;

    /// <summary>Searches the record backwards from the end of the file.</summary>
    public static ZipEnd Find(MappedFile file)
    {
        var length = (int)Math.Min(file.Length, EndLength + LongestComment);
        var tail = file.Slice(file.Length - length, length);
        for (var i = length - EndLength; i >= 0; i--)
        {
            var record = tail[i..];
            if (U32(record, 0) == EndSignature && U16(record, 20) == record.Length - EndLength)
            {
                return Check(Read(file, file.Length - length + i, record));
            }
        }

        throw new SpectralKDException("it begins like a zip archive but has no directory at its end: it is truncated; fetch or copy it again");
    }

    private static ZipEnd Read(MappedFile file, long position, ReadOnlySpan<byte> record)
    {
        if (position >= LocatorLength)
        {
            var locator = file.Slice(position - LocatorLength, LocatorLength);
            if (U32(locator, 0) == LocatorSignature)
            {
                return ReadZip64(file, BinaryPrimitives.ReadInt64LittleEndian(locator[8..]), position);
            }
        }

        long offset = U32(record, 16);
        return new ZipEnd(offset, Math.Min(offset + U32(record, 12), position), U16(record, 10));
    }

    private static ZipEnd ReadZip64(MappedFile file, long at, long limit)
    {
        if (at < 0 || at > limit - Zip64Length || U32(file.Slice(at, Zip64Length), 0) != Zip64Signature)
        {
            throw new SpectralKDException("its zip64 end record is missing or damaged");
        }

        var record = file.Slice(at, Zip64Length);
        var (entries, size, offset) = (I64(record, 32), I64(record, 40), I64(record, 48));
        return new ZipEnd(offset, size < 0 || offset < 0 || size > at - offset ? -1 : offset + size, entries);
    }

    private static ZipEnd Check(ZipEnd end) =>
        end.DirectoryOffset >= 0 && end.DirectoryEnd >= end.DirectoryOffset && end.Entries >= 0
            ? end
            : throw new SpectralKDException("its zip directory lies outside of the file");

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
}

/// <summary>An entry's sizes and place; 32-bit fields that are all ones stand in a zip64 extra field instead.</summary>
internal readonly record struct ZipSizes(long Length, long StoredLength, long LocalOffset)
{
    private const ushort Zip64 = 1;

    /// <summary>Replaces the fields that overflowed by those of the zip64 extra field, which lists them in this order.</summary>
    public ZipSizes WithExtra(ReadOnlySpan<byte> extra)
    {
        var wide = Field(extra);
        return new ZipSizes(Next(Length, ref wide), Next(StoredLength, ref wide), Next(LocalOffset, ref wide));
    }

    private static long Next(long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue)
        {
            return value;
        }

        if (wide.Length < 8 || BinaryPrimitives.ReadInt64LittleEndian(wide) is var number && number < 0)
        {
            throw new SpectralKDException("its zip directory has an entry without the 64-bit sizes that it announces");
        }

        number = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return number;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var id = BinaryPrimitives.ReadUInt16LittleEndian(extra);
            var length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]), extra.Length - 4);
            if (id == Zip64)
            {
                return extra.Slice(4, length);
            }

            extra = extra[(4 + length)..];
        }

        return [];
    }
}

/// <summary>The deflated entries of an archive, unpacked into one piece of memory, so that tensors are windows of it as of a mapped file.</summary>
internal static class InflatedEntries
{
    private const long Base = 64L << 20;
    private const int LargestRatio = 20; // float32 weights deflate to 0.9, weights that were float16 to 0.5 of their size; zeros to 0.001
    private const int PartLength = 1 << 22;

    /// <summary>Unpacks what is deflated.</summary>
    /// <returns>The memory, and the entries as they lie there.</returns>
    /// <exception cref="SpectralKDException">An entry is damaged, or all claim more than weights can have in a file of this size.</exception>
    public static (MappedFile Content, IReadOnlyList<ArchiveEntry> Entries) Unpack(MappedFile file, IReadOnlyList<ArchiveEntry> deflated)
    {
        long total = 0;
        foreach (var entry in deflated)
        {
            total += Math.Min(entry.Length, long.MaxValue / 4);
            if (total > Base + (LargestRatio * file.Length))
            {
                throw new SpectralKDException($"its compressed entries claim more than {LargestRatio} times the file's {file.Length} bytes, which no weights do; unpack and re-save it");
            }
        }

        var content = MappedFile.Unpacked(file.Path, total);
        try
        {
            long position = 0;
            var entries = new List<ArchiveEntry>();
            foreach (var entry in deflated)
            {
                Inflate(file, entry, content, position);
                entries.Add(entry with { Offset = position, StoredLength = entry.Length, Deflated = false });
                position += entry.Length;
            }

            return (content, entries);
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private static void Inflate(MappedFile file, ArchiveEntry entry, MappedFile content, long position)
    {
        try
        {
            using var stream = new DeflateStream(file.Stream(entry.Offset, entry.StoredLength), CompressionMode.Decompress);
            for (long done = 0; done < entry.Length;)
            {
                var part = content.Writable(position + done, (int)Math.Min(PartLength, entry.Length - done));
                stream.ReadExactly(part);
                done += part.Length;
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new SpectralKDException($"its entry '{entry.Name}' is damaged: it does not unpack to {entry.Length} bytes; fetch or copy it again", error);
        }
    }
}

/// <summary>The checksum of zip archives (reflected polynomial 0xEDB88320), eight bytes at a time.</summary>
internal static class ZipChecksum
{
    private const int Lanes = 8;
    private static readonly uint[] Table = MakeTable();

    /// <summary>Continues a checksum; begin with 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var state = ~crc;
        while (bytes.Length >= Lanes)
        {
            state = Step(state ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]));
            bytes = bytes[Lanes..];
        }

        foreach (var value in bytes)
        {
            state = Table[(byte)(state ^ value)] ^ (state >> 8);
        }

        return ~state;
    }

    private static uint Step(uint low, uint high) =>
        Table[(7 * 256) + (byte)low] ^ Table[(6 * 256) + (byte)(low >> 8)]
        ^ Table[(5 * 256) + (byte)(low >> 16)] ^ Table[(4 * 256) + (low >> 24)]
        ^ Table[(3 * 256) + (byte)high] ^ Table[(2 * 256) + (byte)(high >> 8)]
        ^ Table[(1 * 256) + (byte)(high >> 16)] ^ Table[high >> 24];

    /// <summary>Row n holds the checksum of a byte followed by n zero bytes.</summary>
    private static uint[] MakeTable()
    {
        var table = new uint[Lanes * 256];
        for (uint i = 0; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ (0xEDB88320 & (0 - (value & 1)));
            }

            table[i] = value;
        }

        for (var i = 256; i < table.Length; i++)
        {
            table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
        }

        return table;
    }
}
