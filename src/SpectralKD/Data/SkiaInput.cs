using System.Buffers.Binary;
using ICSharpCode.SharpZipLib.Checksum;

namespace SpectralKD.Data;

/// <summary>
/// Files changed so that Skia gives the pixels that Pillow gives after <c>convert("RGB")</c>. Pillow shows the colour of a transparent entry of a
/// GIF's palette, where Skia has black; and it takes a grey of the index's value where a PNG's palette is too short for an index.
/// </summary>
internal static class SkiaInput
{
    private const int PngSignature = 8;

    /// <summary>The file itself, or a changed copy where it is of one of these kinds.</summary>
    public static byte[] Of(byte[] file) =>
        file.AsSpan().StartsWith("GIF8"u8) ? WithoutTransparency(file)
        : IsPalettePng(file) ? WithWholePalette(file)
        : file;

    // GIF: the header of 13 bytes, a palette, blocks; a graphic control extension (21 F9 04) tells of the next image whether it has transparency.
    private static byte[] WithoutTransparency(byte[] file)
    {
        var at = 13 + (file.Length > 10 && (file[10] & 0x80) != 0 ? 3 << ((file[10] & 7) + 1) : 0);
        while (at + 3 < file.Length && file[at] == 0x21)
        {
            if (file[at + 1] == 0xF9 && (file[at + 3] & 1) != 0)
            {
                var changed = (byte[])file.Clone();
                changed[at + 3] &= 0xFE;
                return changed;
            }

            at += 2;
            while (at < file.Length && file[at] != 0)
            {
                at += 1 + file[at];
            }

            at++;
        }

        return file;
    }

    private static bool IsPalettePng(ReadOnlySpan<byte> file) =>
        file.Length > 33 && file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']) && file[25] == 3 && file[24] <= 8;

    // PNG: chunks of a length, a type, data and a CRC of type and data.
    private static byte[] WithWholePalette(byte[] file)
    {
        for (var at = PngSignature; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            var type = file.AsSpan(at + 4, 4);
            if (length > file.Length - at - 12 || type.SequenceEqual("IDAT"u8))
            {
                return file;
            }

            if (type.SequenceEqual("PLTE"u8))
            {
                var whole = 3 << file[24];
                return length < whole ? [.. file.AsSpan(0, at), .. Palette(file.AsSpan(at + 8, (int)length), whole), .. file.AsSpan(at + 12 + (int)length)] : file;
            }

            at += 12 + (int)length;
        }

        return file;
    }

    private static byte[] Palette(ReadOnlySpan<byte> colours, int length)
    {
        var chunk = new byte[12 + length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, length);
        "PLTE"u8.CopyTo(chunk.AsSpan(4));
        for (var i = 0; i < length; i++)
        {
            chunk[8 + i] = i < colours.Length ? colours[i] : (byte)(i / 3);
        }

        var crc = new Crc32();
        crc.Update(new ArraySegment<byte>(chunk, 4, 4 + length));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + length), (uint)crc.Value);
        return chunk;
    }
}
