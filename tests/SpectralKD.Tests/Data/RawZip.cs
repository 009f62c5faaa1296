using System.Text;

namespace SpectralKD.Tests.Data;

/// <summary>An entry of a zip archive with its name as bytes.</summary>
internal sealed record RawZipEntry(byte[] Name, byte[] Content)
{
    public bool Utf8Flag { get; init; }

    public byte[] Extra { get; init; } = [];

    public uint Attributes { get; init; }

    public uint? DeclaredSize { get; init; }

    public uint? DeclaredCrc { get; init; }
}

/// <summary>Writes zip archives (stored, made on Unix) as bytes, with names, flags and sizes that .NET's writer does not give.</summary>
internal static class RawZip
{
    public static byte[] Make(params RawZipEntry[] entries)
    {
        using var file = new MemoryStream();
        using var list = new MemoryStream();
        using var writer = new BinaryWriter(file);
        using var lister = new BinaryWriter(list);
        foreach (var entry in entries)
        {
            var offset = (uint)file.Position;
            writer.Write(0x04034B50u);
            WriteHeader(writer, entry);
            writer.Write(entry.Name);
            writer.Write(entry.Extra);
            writer.Write(entry.Content);
            lister.Write(0x02014B50u);
            lister.Write((ushort)((3 << 8) | 20));
            WriteHeader(lister, entry);
            lister.Write(new byte[6]); // comment, disk, internal attributes
            lister.Write(entry.Attributes);
            lister.Write(offset);
            lister.Write(entry.Name);
            lister.Write(entry.Extra);
        }

        var start = (uint)file.Position;
        writer.Write(list.ToArray());
        writer.Write(0x06054B50u);
        writer.Write(0u);
        writer.Write((ushort)entries.Length);
        writer.Write((ushort)entries.Length);
        writer.Write((uint)list.Length);
        writer.Write(start);
        writer.Write((ushort)0);
        return file.ToArray();
    }

    /// <summary>The field 0x7075 for a name: version 1, the CRC of the name's bytes, the path in UTF-8.</summary>
    public static byte[] UnicodePath(byte[] name, string path)
    {
        byte[] body = [1, .. BitConverter.GetBytes(PngFile.Crc(name)), .. Encoding.UTF8.GetBytes(path)];
        return [0x75, 0x70, .. BitConverter.GetBytes((ushort)body.Length), .. body];
    }

    private static void WriteHeader(BinaryWriter writer, RawZipEntry entry)
    {
        writer.Write((ushort)20);
        writer.Write((ushort)(entry.Utf8Flag ? 0x800 : 0));
        writer.Write((ushort)0); // stored
        writer.Write(0x5A210000u); // 2025-01-01
        writer.Write(entry.DeclaredCrc ?? PngFile.Crc(entry.Content));
        writer.Write((uint)entry.Content.Length);
        writer.Write(entry.DeclaredSize ?? (uint)entry.Content.Length);
        writer.Write((ushort)entry.Name.Length);
        writer.Write((ushort)entry.Extra.Length);
    }
}
