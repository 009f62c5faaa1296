using SkiaSharp;

namespace SpectralKD.Data;

/// <summary>
/// Decodes image files as PIL's <c>open(…).convert("RGB")</c> does: transparency dropped (not blended), CMYK, grey and palettes converted,
/// EXIF orientation and colour profiles ignored; but 16-bit grey keeps its high byte, where PIL clips it. The first frame of an animation.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>PIL's limit against decompression bombs (twice MAX_IMAGE_PIXELS).</summary>
    private const long MaximumPixels = 178_956_970;

    /// <summary>Decodes one file.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="name">The image's name, for the message.</param>
    /// <exception cref="SpectralKDException">The file is no image, is truncated or corrupt; the message names it.</exception>
    public static RgbImage Decode(byte[] encoded, string name)
    {
        if (encoded.Length == 0)
        {
            throw new SpectralKDException($"The image {name} is an empty file (0 bytes).");
        }

        return PortableMap.IsOne(encoded) ? PortableMap.Decode(encoded, name) : DecodeWithSkia(encoded, name);
    }

    private static RgbImage DecodeWithSkia(byte[] encoded, string name)
    {
        using var data = SKData.CreateCopy(encoded);
        using var codec = SKCodec.Create(data)
            ?? throw new SpectralKDException($"The file {name} is not an image that can be read ({Describe(encoded)}).");
        var size = codec.Info.Size;
        if ((long)size.Width * size.Height > MaximumPixels)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"The image {name} has {size.Width} x {size.Height} pixels, more than the limit of {MaximumPixels}."));
        }

        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
        using var bitmap = new SKBitmap();
        if (!bitmap.TryAllocPixels(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, alpha)))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"There is no memory for the image {name} of {size.Width} x {size.Height} pixels."));
        }

        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        return result == SKCodecResult.Success
            ? new RgbImage(size.Width, size.Height, DropAlpha(bitmap.GetPixelSpan()))
            : throw new SpectralKDException($"The image {name} {Explain(result)}.");
    }

    private static byte[] DropAlpha(ReadOnlySpan<byte> rgba)
    {
        var pixels = new byte[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
        {
            pixels[to] = rgba[from];
            pixels[to + 1] = rgba[from + 1];
            pixels[to + 2] = rgba[from + 2];
        }

        return pixels;
    }

    private static string Explain(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "is truncated: its data ends before the last row",
        SKCodecResult.ErrorInInput => "is corrupt: its data cannot be decoded to the end",
        _ => $"cannot be decoded ({result})",
    };

    private static string Describe(byte[] encoded)
    {
        if (encoded is [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..])
        {
            return "TIFF is not supported; convert it to PNG";
        }

        var start = encoded.AsSpan(0, Math.Min(encoded.Length, 64));
        return start.ContainsAnyExceptInRange((byte)9, (byte)126)
            ? FormattableString.Invariant($"{encoded.Length} bytes of an unknown format, or cut off before the picture begins")
            : "it holds text";
    }
}
