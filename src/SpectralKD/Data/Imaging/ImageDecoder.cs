using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using ICSharpCode.SharpZipLib.Checksum;
using SkiaSharp;

namespace SpectralKD.Data;

/// <summary>
/// Decodes image files as PIL's <c>open(…).convert("RGB")</c> does: transparency dropped (not blended), CMYK, grey and palettes converted,
/// EXIF orientation and colour profiles ignored; but 16-bit grey keeps its high byte, where PIL clips it. The first frame of an animation.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>PIL's limit against decompression bombs (twice MAX_IMAGE_PIXELS). Up to it pixels are decoded at full size, as PIL does.</summary>
    private const long MaximumPixels = 178_956_970;

    /// <summary>The largest file that is read: PIL's largest image as a PPM, and some.</summary>
    private const long MaximumBytes = 600L << 20;

    /// <summary>Images of more pixels are decoded by rows, if the codec can, so that they are not in memory twice.</summary>
    private const int ManyPixels = 16_000_000;

    private const int RowsAtOnce = 32;

    /// <summary>Of longer files the beginning is looked at before the rest is read or unpacked.</summary>
    private const int LongFile = 4 << 20;

    /// <summary>So many bytes tell what a file is.</summary>
    private const int Beginning = 64;

    /// <summary>Decodes one file.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="name">The image's name, for the message.</param>
    /// <exception cref="SpectralKDException">The file is no image, is truncated or corrupt; the message names it.</exception>
    public static RgbImage Decode(byte[] encoded, string name) => Decode(encoded, name, ManyPixels);

    /// <summary>Decodes one file, by rows where it has more than <paramref name="manyPixels"/> pixels and its codec can.</summary>
    internal static RgbImage Decode(byte[] encoded, string name, int manyPixels)
    {
        CheckLength(encoded.Length, name);
        return PortableMap.IsOne(encoded) ? PortableMap.Decode(encoded, name) : DecodeWithSkia(SkiaInput.Of(encoded), name, manyPixels);
    }

    /// <summary>Reads a file's bytes, for which the room is taken; a long file that does not begin as an image is refused before the rest is read.</summary>
    /// <param name="file">The file at its beginning.</param>
    /// <param name="length">Its length, which <see cref="CheckLength"/> allows.</param>
    /// <param name="name">The image's name, for the message.</param>
    /// <exception cref="SpectralKDException">The long file is no image.</exception>
    public static byte[] ReadWhole(Stream file, long length, string name)
    {
        var start = new byte[Math.Min(length, Beginning)];
        file.ReadExactly(start);
        if (length > LongFile && !MayBeImage(start))
        {
            throw NoImage(start, length, name);
        }

        DecodingRoom.Take(length);
        var bytes = GC.AllocateUninitializedArray<byte>((int)length);
        start.CopyTo(bytes, 0);
        file.ReadExactly(bytes.AsSpan(start.Length));
        return bytes;
    }

    /// <summary>Refuses a file that is empty or too long to be read into memory.</summary>
    public static void CheckLength(long bytes, string name)
    {
        if (bytes is <= 0 or > MaximumBytes)
        {
            throw new SpectralKDException(bytes == 0
                ? $"the image {name} is an empty file (0 bytes), or a pipe, a socket or a device"
                : FormattableString.Invariant($"the image {name} is refused: its size is given as {bytes} bytes, the limit is {MaximumBytes}"));
        }
    }

    /// <summary>Refuses an image of more pixels than PIL opens.</summary>
    public static void CheckSize(int width, int height, string name)
    {
        if ((long)width * height > MaximumPixels)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"the image {name} has {width} x {height} pixels, more than the limit of {MaximumPixels}; make it smaller"));
        }
    }

    private static unsafe RgbImage DecodeWithSkia(byte[] encoded, string name, int manyPixels)
    {
        using var pinned = encoded.AsMemory().Pin();
        using var data = SKData.Create((nint)pinned.Pointer, encoded.Length);
        using var codec = SKCodec.Create(data)
            ?? throw NoImage(encoded.AsSpan(0, Math.Min(encoded.Length, Beginning)), encoded.Length, name);
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        CheckSize(width, height, name);
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, alpha);
        var pixels = (long)width * height;
        return new RgbImage(width, height, pixels > manyPixels && GivesRows(codec, encoded, info)
            ? ByRows(codec, info, pixels * (IsProgressive(encoded) ? 9 : 3), name)
            : AtOnce(codec, info, pixels * (IsProgressive(encoded) ? 13 : 7), name));
    }

    // An interlaced PNG is in memory as a whole before its first row.
    private static bool GivesRows(SKCodec codec, byte[] encoded, SKImageInfo info) =>
        (codec.EncodedFormat == SKEncodedImageFormat.Jpeg || (codec.EncodedFormat == SKEncodedImageFormat.Png && encoded[28] == 0))
        && codec.StartScanlineDecode(info) == SKCodecResult.Success;

    // JPEG: segments of a marker and a length; the frame's marker tells how it is coded. libjpeg holds all coefficients of a progressive one.
    private static bool IsProgressive(ReadOnlySpan<byte> file)
    {
        for (var at = 2; file[0] == 0xFF && at + 4 < file.Length && file[at] == 0xFF; at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]))
        {
            if (file[at + 1] is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return (file[at + 1] & 3) == 2;
            }
        }

        return false;
    }

    private static unsafe byte[] ByRows(SKCodec codec, SKImageInfo info, long bytes, string name)
    {
        DecodingRoom.Take(bytes);
        var pixels = GC.AllocateUninitializedArray<byte>(info.Width * info.Height * 3);
        var rows = new byte[RowsAtOnce * info.RowBytes];
        fixed (byte* start = rows)
        {
            for (var y = 0; y < info.Height; y += RowsAtOnce)
            {
                var wanted = Math.Min(RowsAtOnce, info.Height - y);
                if (codec.GetScanlines((nint)start, wanted, info.RowBytes) < wanted)
                {
                    throw new SpectralKDException($"the image {name} {Explain(SKCodecResult.IncompleteInput)}");
                }

                DropAlpha(rows.AsSpan(0, wanted * info.RowBytes), pixels.AsSpan(y * info.Width * 3));
            }
        }

        return pixels;
    }

    private static byte[] AtOnce(SKCodec codec, SKImageInfo info, long bytes, string name)
    {
        DecodingRoom.Take(bytes);
        using var bitmap = new SKBitmap();
        if (!bitmap.TryAllocPixels(info))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"there is no memory for the image {name} of {info.Width} x {info.Height} pixels"));
        }

        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
        {
            throw new SpectralKDException($"the image {name} {Explain(result)}");
        }

        var pixels = GC.AllocateUninitializedArray<byte>(info.Width * info.Height * 3);
        DropAlpha(bitmap.GetPixelSpan(), pixels);
        return pixels;
    }

    private static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> pixels)
    {
        var (from, to) = (0, 0);
        if (Vector128.IsHardwareAccelerated)
        {
            // Four pixels at once; the last four bytes of each store are overwritten by the next.
            var colours = Vector128.Create(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, (byte)15);
            for (; from + 16 <= rgba.Length && to + 16 <= pixels.Length; from += 16, to += 12)
            {
                Vector128.Shuffle(Vector128.Create(rgba.Slice(from, 16)), colours).CopyTo(pixels[to..]);
            }
        }

        for (; from < rgba.Length; from += 4, to += 3)
        {
            pixels[to] = rgba[from];
            pixels[to + 1] = rgba[from + 1];
            pixels[to + 2] = rgba[from + 2];
        }
    }

    private static string Explain(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "is truncated: its data ends before the last row",
        SKCodecResult.ErrorInInput => "is corrupt: its data cannot be decoded to the end",
        _ => $"cannot be decoded ({result})",
    };

    // The signatures of all that Skia decodes: JPEG, PNG, GIF, BMP, WebP, icons, WBMP (of a width that is not 0) and camera files built as TIFF.
    private static bool MayBeImage(ReadOnlySpan<byte> start) => PortableMap.IsOne(start)
        || start is [0xFF, 0xD8, ..] or [0x89, (byte)'P', ..] or [(byte)'G', (byte)'I', (byte)'F', ..] or [(byte)'B', (byte)'M', ..]
            or [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] or [0, 0, not 0, ..] or [(byte)'I', (byte)'I', ..] or [(byte)'M', (byte)'M', ..];

    private static SpectralKDException NoImage(ReadOnlySpan<byte> start, long length, string name) =>
        new($"the file {name} is not an image that can be read ({Describe(start, length)})");

    private static string Describe(ReadOnlySpan<byte> start, long length) =>
        start is [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] ? "TIFF is not supported; convert it to PNG"
        : start.ContainsAnyExceptInRange((byte)9, (byte)126)
            ? FormattableString.Invariant($"{length} bytes of an unknown format, or cut off before the picture begins")
        : "it holds text";
}

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

/// <summary>A decoded image: 8-bit RGB, row-major, interleaved (<c>[Height, Width, 3]</c>).</summary>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Pixels">Height * Width * 3 bytes.</param>
public sealed record RgbImage(int Width, int Height, byte[] Pixels);

/// <summary>A rectangle of pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Number of columns.</param>
/// <param name="Height">Number of rows.</param>
internal readonly record struct PixelWindow(int Left, int Top, int Width, int Height);
