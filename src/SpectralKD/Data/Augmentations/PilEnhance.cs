namespace SpectralKD.Data.Augmentations;

/// <summary>
/// Pillow's <c>ImageEnhance</c>: a step from a degenerate picture (factor 0) through the original (1) and beyond, computed in float32 and cut
/// (not rounded) to bytes.
/// </summary>
internal static class PilEnhance
{
    /// <summary>From grey to colour.</summary>
    public static RgbImage Color(RgbImage image, double factor)
    {
        var grey = new byte[image.Pixels.Length];
        for (var i = 0; i < grey.Length; i += 3)
        {
            grey.AsSpan(i, 3).Fill(Luma(image.Pixels.AsSpan(i, 3)));
        }

        return Blend(grey, image, factor);
    }

    /// <summary>From the mean grey to the picture.</summary>
    public static RgbImage Contrast(RgbImage image, double factor)
    {
        var sum = 0L;
        for (var i = 0; i < image.Pixels.Length; i += 3)
        {
            sum += Luma(image.Pixels.AsSpan(i, 3));
        }

        var flat = new byte[image.Pixels.Length];
        Array.Fill(flat, (byte)((sum / (double)(image.Width * image.Height)) + 0.5));
        return Blend(flat, image, factor);
    }

    /// <summary>From black to the picture.</summary>
    public static RgbImage Brightness(RgbImage image, double factor) => Blend(new byte[image.Pixels.Length], image, factor);

    /// <summary>From smoothed (3 x 3 with a centre of 5/13) to the picture; the border is not smoothed.</summary>
    public static RgbImage Sharpness(RgbImage image, double factor)
    {
        var smooth = (byte[])image.Pixels.Clone();
        var stride = image.Width * 3;
        for (var y = 1; y < image.Height - 1; y++)
        {
            for (var i = (y * stride) + 3; i < ((y + 1) * stride) - 3; i++)
            {
                smooth[i] = Smooth(image.Pixels, i, stride);
            }
        }

        return Blend(smooth, image, factor);
    }

    private static byte Smooth(byte[] p, int i, int stride)
    {
        var ring = p[i - stride - 3] + p[i - stride] + p[i - stride + 3] + p[i - 3] + p[i + 3] + p[i + stride - 3] + p[i + stride]
            + p[i + stride + 3];
        return (byte)((((2 * (ring + (5 * p[i]))) + 13) / 26)); // the thirteenth part, rounded
    }

    /// <summary>ITU-R 601 luma in 16-bit fixed point, as <c>convert("L")</c>.</summary>
    internal static byte Luma(ReadOnlySpan<byte> rgb) => (byte)(((rgb[0] * 19595) + (rgb[1] * 38470) + (rgb[2] * 7471) + 0x8000) >> 16);

    private static RgbImage Blend(byte[] degenerate, RgbImage image, double factor)
    {
        var share = (float)factor;
        var pixels = new byte[degenerate.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            var value = degenerate[i] + (share * (image.Pixels[i] - degenerate[i]));
            pixels[i] = (byte)Math.Clamp(value, 0f, 255f);
        }

        return image with { Pixels = pixels };
    }
}
