using System.IO.Compression;

namespace SpectralKD.Weights.Zip;

/// <summary>The deflated entries of an archive, unpacked into one piece of memory, so that tensors are windows of it as of a mapped file.</summary>
internal static class InflatedEntries
{
    private const long Base = 64L << 20;
    private const int LargestRatio = 20; // float32 weights deflate to 0.9, weights that were float16 to 0.5 of their size; zeros to 0.001
    private const int PartLength = 1 << 22;

    /// <summary>Unpacks what is deflated.</summary>
    /// <returns>The memory, and the entries as they lie there.</returns>
    /// <exception cref="SpectralKDException">An entry is damaged, or all claim more than weights can have in a file of this size.</exception>
    public static (MappedFile Content, IReadOnlyList<ZipEntry> Entries) Unpack(MappedFile file, IReadOnlyList<ZipEntry> deflated)
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
            var entries = new List<ZipEntry>();
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

    private static void Inflate(MappedFile file, ZipEntry entry, MappedFile content, long position)
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
