using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ICSharpCode.SharpZipLib.Zip;
using ZipFile = ICSharpCode.SharpZipLib.Zip.ZipFile;

namespace SpectralKD.Weights;

/// <summary>
/// A file in an archive: where its bytes begin, how many they are, and how many they take there, which differs where <paramref name="Deflated"/>. A
/// checksum of 0 was not computed (torch.save leaves it out on request).
/// </summary>
internal sealed record ArchiveEntry(string Name, long Offset, long Length, uint Crc32, long StoredLength, bool Deflated);

/// <summary>
/// The directory of a zip archive, read by SharpZipLib. torch.save stores entries without compression: each is then a plain window of the mapped file,
/// for which the place of its bytes is needed, and that no zip library tells; an archive that was unpacked and zipped again may be deflated.
/// </summary>
internal static class ZipIndex
{
    private const int LocalLength = 30, EndLength = 22, LocatorLength = 20, Zip64Length = 56, LongestComment = ushort.MaxValue;
    private const int MaximumEntries = 1_000_000;

    /// <summary>Reads the directory and checks that every entry lies inside the file.</summary>
    public static IReadOnlyDictionary<string, ArchiveEntry> Read(MappedFile file)
    {
        CheckCount(file);
        using var archive = Open(file);
        var entries = new Dictionary<string, ArchiveEntry>(StringComparer.Ordinal);
        foreach (ZipEntry entry in archive)
        {
            if (!entries.TryAdd(entry.Name, Placed(file, entry)))
            {
                throw new SpectralKDException($"its zip directory names '{entry.Name}' twice");
            }
        }

        return entries;
    }

    private static ZipFile Open(MappedFile file)
    {
        try
        {
            return new ZipFile(file.Stream(0, file.Length), leaveOpen: false, StringCodec.FromEncoding(Encoding.UTF8).WithForcedLegacyEncoding());
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The library meets damage with IndexOutOfRangeException, ArgumentException, OverflowException, … beside its own exceptions.
            throw new SpectralKDException("its zip directory is damaged; fetch or copy it again", error);
        }
    }

    /// <summary>The library makes room for as many entries as the end of the directory claims, before it reads one.</summary>
    private static void CheckCount(MappedFile file)
    {
        var length = (int)Math.Min(file.Length, EndLength + LongestComment);
        var tail = file.Slice(file.Length - length, length);
        var at = length - EndLength;
        while (at >= 0 && !tail[at..].StartsWith("PK\u0005\u0006"u8))
        {
            at--;
        }

        if (at < 0)
        {
            throw new SpectralKDException("it begins like a zip archive but has no directory at its end: it is truncated; fetch or copy it again");
        }

        var count = Zip64Count(file, file.Length - length + at - LocatorLength) ?? BinaryPrimitives.ReadUInt16LittleEndian(tail[(at + 8)..]);
        if (count > MaximumEntries)
        {
            throw new SpectralKDException($"its zip directory claims {count} entries; at most {MaximumEntries} are read");
        }
    }

    private static ulong? Zip64Count(MappedFile file, long locator)
    {
        if (locator < 0 || !file.Slice(locator, LocatorLength).StartsWith("PK\u0006\u0007"u8))
        {
            return null;
        }

        var at = BinaryPrimitives.ReadInt64LittleEndian(file.Slice(locator + 8, 8));
        return at >= 0 && at <= locator - Zip64Length
            ? BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(at + 24, 8))
            : throw new SpectralKDException("its zip64 end record is missing or damaged");
    }

    private static ArchiveEntry Placed(MappedFile file, ZipEntry entry)
    {
        var deflated = entry.CompressionMethod == CompressionMethod.Deflated;
        if (entry.IsCrypted || !(deflated || (entry.CompressionMethod == CompressionMethod.Stored && entry.Size == entry.CompressedSize)))
        {
            throw new SpectralKDException(
                $"its entry '{entry.Name}' is encrypted or compressed by method {(int)entry.CompressionMethod}, not stored or deflated; unpack and re-save it");
        }

        if (entry.Offset < 0 || entry.Offset > file.Length - LocalLength || !file.Slice(entry.Offset, LocalLength).StartsWith("PK\u0003\u0004"u8))
        {
            throw new SpectralKDException($"its entry '{entry.Name}' has no header at byte {entry.Offset}");
        }

        var local = file.Slice(entry.Offset, LocalLength);
        var offset = entry.Offset + LocalLength + BinaryPrimitives.ReadUInt16LittleEndian(local[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
        return entry.Size >= 0 && entry.CompressedSize >= 0 && entry.CompressedSize <= file.Length - offset
            ? new ArchiveEntry(entry.Name, offset, entry.Size, (uint)entry.Crc, entry.CompressedSize, deflated)
            : throw new SpectralKDException($"its entry '{entry.Name}' claims {entry.CompressedSize} bytes, but only {Math.Max(0, file.Length - offset)} follow");
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
