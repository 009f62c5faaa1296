using System.IO.Hashing;
using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>Zip archives with stored entries, written byte by byte, in the plain and in the 64-bit form.</summary>
internal static class TorchArchiveBytes
{
    public static byte[] Zip(params (string Name, byte[] Content)[] entries) => Write(entries, wide: false);

    public static byte[] Zip64(params (string Name, byte[] Content)[] entries) => Write(entries, wide: true);

    private static byte[] Write((string Name, byte[] Content)[] entries, bool wide)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var offsets = entries.Select(entry => WriteLocal(writer, entry.Name, entry.Content)).ToArray();
        var directory = stream.Position;
        for (var i = 0; i < entries.Length; i++)
        {
            WriteCentral(writer, entries[i].Name, entries[i].Content, offsets[i], wide);
        }

        WriteEnd(writer, entries.Length, directory, stream.Position - directory, wide);
        return stream.ToArray();
    }

    private static long WriteLocal(BinaryWriter writer, string name, byte[] content)
    {
        var offset = writer.BaseStream.Position;
        writer.Write(0x04034b50u);
        writer.Write([0, 0, 0, 8, 0, 0, 0, 0, 0, 0]);
        writer.Write(Crc32.HashToUInt32(content));
        writer.Write(content.Length);
        writer.Write(content.Length);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)0);
        writer.Write(Encoding.ASCII.GetBytes(name));
        writer.Write(content);
        return offset;
    }

    private static void WriteCentral(BinaryWriter writer, string name, byte[] content, long offset, bool wide)
    {
        writer.Write(0x02014b50u);
        writer.Write([0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0]);
        writer.Write(Crc32.HashToUInt32(content));
        writer.Write(wide ? uint.MaxValue : (uint)content.Length);
        writer.Write(wide ? uint.MaxValue : (uint)content.Length);
        writer.Write((ushort)name.Length);
        writer.Write((ushort)(wide ? 28 : 0));
        writer.Write([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Write(wide ? uint.MaxValue : (uint)offset);
        writer.Write(Encoding.ASCII.GetBytes(name));
        if (wide)
        {
            writer.Write((ushort)1);
            writer.Write((ushort)24);
            writer.Write((long)content.Length);
            writer.Write((long)content.Length);
            writer.Write(offset);
        }
    }

    private static void WriteEnd(BinaryWriter writer, int count, long directory, long size, bool wide)
    {
        if (wide)
        {
            var record = writer.BaseStream.Position;
            writer.Write(0x06064b50u);
            writer.Write(44L);
            writer.Write(new byte[12]);
            writer.Write((long)count);
            writer.Write((long)count);
            writer.Write(size);
            writer.Write(directory);
            writer.Write(0x07064b50u);
            writer.Write(0);
            writer.Write(record);
            writer.Write(1);
        }

        writer.Write(0x06054b50u);
        writer.Write(0);
        writer.Write(wide ? ushort.MaxValue : (ushort)count);
        writer.Write(wide ? ushort.MaxValue : (ushort)count);
        writer.Write(wide ? uint.MaxValue : (uint)size);
        writer.Write(wide ? uint.MaxValue : (uint)directory);
        writer.Write((ushort)0);
    }
}
