using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Data;

/// <summary>
/// timm's evaluation transform: shorter side resized to <c>floor(size / CropFraction)</c> with PIL's antialiased bicubic filter,
/// centre crop, division by 255, normalisation. See <see cref="ImageResize"/> for sizes that are no squares.
/// </summary>
public sealed record Preprocessing
{
    /// <summary>ImageNet mean and standard deviation with timm's default crop fraction 0.9 (DeiT, Swin).</summary>
    public static Preprocessing ImageNet { get; } = new();

    /// <summary>ImageNet's without a border.</summary>
    internal static Preprocessing Whole { get; } = new() { CropFraction = 1 };

    /// <summary>timm's "inception" mean and standard deviation, all 0.5.</summary>
    internal static Preprocessing Half { get; } = new() { Mean = [0.5f, 0.5f, 0.5f], Std = [0.5f, 0.5f, 0.5f] };

    /// <summary>timm's <c>crop_pct</c>, in (0, 1]: 0.9 for DeiT and Swin, 1.0 for CaiT.</summary>
    public double CropFraction { get; init; } = 0.9;

    /// <summary>True: the whole image is squeezed into the size, whatever its proportions (timm's <c>crop_mode</c> squash); false: proportions are kept.</summary>
    public bool Squash { get; init; }

    /// <summary>Mean of each channel (R, G, B), in [0, 1].</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each channel (R, G, B), in (0, 1].</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <summary>True if both prepare images in the same way: lists are compared by their numbers.</summary>
    public bool Equals(Preprocessing? other) =>
        other is not null && CropFraction == other.CropFraction && Squash == other.Squash && Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    /// <summary>True if both have the same mean and standard deviation.</summary>
    internal bool NormalizesAs(Preprocessing other) => Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    /// <summary>Mean and standard deviation in words.</summary>
    internal string NumbersInWords => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"mean {string.Join(' ', Mean)}, deviation {string.Join(' ', Std)}");

    /// <summary>Images that were normalised by these numbers, by another's: a new tensor <c>[B, 3, H, W]</c>.</summary>
    internal Tensor Renormalized(Tensor images, Preprocessing other)
    {
        using var scope = NewDisposeScope();
        var (factors, sums) = (new float[3], new float[3]);
        for (var channel = 0; channel < 3; channel++)
        {
            factors[channel] = Std[channel] / other.Std[channel];
            sums[channel] = (Mean[channel] - other.Mean[channel]) / other.Std[channel];
        }

        return (images * tensor(factors, [1, 3, 1, 1]).to(images.device)).Plus(tensor(sums, [1, 3, 1, 1]).to(images.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(CropFraction, Mean.Count > 0 ? Mean[0] : 0, Std.Count > 0 ? Std[0] : 0);

    /// <summary>What images are resized to before the centre crop: each side <c>floor(imageSize / CropFraction)</c>.</summary>
    /// <param name="imageSize">Size of the crop in pixels.</param>
    /// <exception cref="SpectralKDException">The crop fraction is not a positive number.</exception>
    public ImageResize ResizeTo(ImageSize imageSize)
    {
        if (!(CropFraction > 0) || !double.IsFinite(CropFraction))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"the crop fraction must be a positive number such as 0.9, but is {CropFraction}"));
        }

        return new ImageResize(new ImageSize(Scaled(imageSize.Height), Scaled(imageSize.Width)), Squash);

        int Scaled(int side) => Math.Max(1, (int)Math.Floor(side / CropFraction));
    }

    /// <summary>The normalised value of every byte, <c>[3, 256]</c>: float32 at each step, as torch computes it.</summary>
    internal float[] NormalizedBytes()
    {
        if (Mean.Count != 3 || Std.Count != 3 || Std.Any(s => !(s > 0)))
        {
            throw new SpectralKDException("preprocessing needs three means and three positive standard deviations (R, G, B)");
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

/// <summary>
/// The first step of timm's evaluation transform. A square: the shorter side becomes its length (a number alone says that), by the bicubic filter. Else both sides are
/// covered: the smallest size of the image's proportions that is at least as high and as wide, by timm's bilinear filter (its <c>ResizeKeepRatio</c>).
/// Squashed: exactly this height and width, by the bicubic filter.
/// </summary>
/// <param name="To">Height and width in pixels.</param>
/// <param name="Squash">True where the image's proportions are not kept.</param>
[JsonConverter(typeof(ImageResizeJson))]
public readonly record struct ImageResize(ImageSize To, bool Squash = false)
{
    private const string Squashed = "-squash";

    /// <summary>The length of the shorter side.</summary>
    public static implicit operator ImageResize(int shorterSide) => new(shorterSide);

    /// <summary>The filter in a word.</summary>
    public string Interpolation => IsBilinear ? "bilinear" : "bicubic";

    internal bool IsBilinear => !To.IsSquare && !Squash;

    internal string Words => Squash ? $"squashed to {To.Height}x{To.Width}" : To.IsSquare ? $"shorter side {To}" : $"covering {To}";

    /// <summary>The size of an image after this step.</summary>
    internal (int Width, int Height) SizeOf(int width, int height)
    {
        if (Squash)
        {
            return (To.Width, To.Height);
        }

        if (To.IsSquare)
        {
            // torchvision's Resize with one number: the shorter side becomes it, the longer is truncated.
            var (shorter, longer) = width <= height ? (width, height) : (height, width);
            var resized = Math.Max(1, (int)((double)((long)To.Height * longer) / shorter));
            return width <= height ? (To.Height, resized) : (resized, To.Height);
        }

        var ratio = Math.Min((double)height / To.Height, (double)width / To.Width);
        return (Math.Max(1, (int)Math.Round(width / ratio, MidpointRounding.ToEven)), Math.Max(1, (int)Math.Round(height / ratio, MidpointRounding.ToEven)));
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    internal static ImageResize Parse(string text) => text.EndsWith(Squashed, StringComparison.Ordinal)
        ? new ImageResize(ImageSize.Parse(text[..^Squashed.Length]), true) : new ImageResize(ImageSize.Parse(text));

    /// <inheritdoc/>
    public override string ToString() => To + (Squash ? Squashed : "");
}

/// <summary>A number for the shorter side, else a text.</summary>
internal sealed class ImageResizeJson : JsonConverter<ImageResize>
{
    public override ImageResize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return reader.TokenType == JsonTokenType.String ? ImageResize.Parse(reader.GetString()!)
                : reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var side) ? side : throw new JsonException("a resize is a number or a text such as \"248x177\"");
        }
        catch (SpectralKDException error)
        {
            throw new JsonException(error.Message);
        }
    }

    public override void Write(Utf8JsonWriter writer, ImageResize value, JsonSerializerOptions options)
    {
        if (value is { Squash: false, To.IsSquare: true })
        {
            writer.WriteNumberValue(value.To.Height);
        }
        else
        {
            writer.WriteStringValue(value.ToString());
        }
    }
}
