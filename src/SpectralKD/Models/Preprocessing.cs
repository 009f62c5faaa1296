namespace SpectralKD.Data;

/// <summary>
/// timm's evaluation transform: shorter side resized to <c>floor(size / CropFraction)</c> with PIL's antialiased bicubic filter,
/// centre crop, division by 255, normalisation.
/// </summary>
public sealed record Preprocessing
{
    /// <summary>ImageNet mean and standard deviation with timm's default crop fraction 0.9 (DeiT, Swin).</summary>
    public static Preprocessing ImageNet { get; } = new();

    /// <summary>timm's <c>crop_pct</c>, in (0, 1]: 0.9 for DeiT and Swin, 1.0 for CaiT.</summary>
    public double CropFraction { get; init; } = 0.9;

    /// <summary>Mean of each channel (R, G, B), in [0, 1].</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each channel (R, G, B), in (0, 1].</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <summary>Length in pixels that the shorter side gets before the centre crop: <c>floor(imageSize / CropFraction)</c>.</summary>
    /// <param name="imageSize">Side of the crop in pixels.</param>
    /// <exception cref="SpectralKDException">The crop fraction is not a positive number.</exception>
    public int ResizeTo(int imageSize)
    {
        if (!(CropFraction > 0) || !double.IsFinite(CropFraction))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"The crop fraction must be a positive number such as 0.9, but is {CropFraction}."));
        }

        return Math.Max(1, (int)Math.Floor(imageSize / CropFraction));
    }

    /// <summary>The normalised value of every byte, <c>[3, 256]</c>: float32 at each step, as torch computes it.</summary>
    internal float[] NormalizedBytes()
    {
        if (Mean.Count != 3 || Std.Count != 3 || Std.Any(s => !(s > 0)))
        {
            throw new SpectralKDException("Preprocessing needs three means and three positive standard deviations (R, G, B).");
        }

        var lookup = new float[3 * 256];
        for (var i = 0; i < lookup.Length; i++)
        {
            lookup[i] = (((i & 255) / 255f) - Mean[i >> 8]) / Std[i >> 8];
        }

        return lookup;
    }

    /// <summary>Interleaved bytes <c>[H, W, 3]</c> to normalised planes <c>[3, H, W]</c>.</summary>
    internal static void Normalize(ReadOnlySpan<byte> pixels, ReadOnlySpan<float> lookup, Span<float> target)
    {
        var plane = target.Length / 3;
        var red = lookup[..256];
        var green = lookup.Slice(256, 256);
        var blue = lookup.Slice(512, 256);
        for (var i = 0; i < plane; i++)
        {
            target[i] = red[pixels[3 * i]];
            target[plane + i] = green[pixels[(3 * i) + 1]];
            target[(2 * plane) + i] = blue[pixels[(3 * i) + 2]];
        }
    }
}
