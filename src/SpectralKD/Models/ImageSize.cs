using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Models;

/// <summary>
/// Height and width of a model's input images in pixels (timm's <c>img_size</c>). A number is a square; as text <c>224</c>, or <c>224x160</c>: 224 rows of 160 pixels.
/// </summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <example><code>
/// using var wide = ModelLoader.Load("deit_tiny_patch16_224", new ModelLoadOptions { Weights = "seeded", ImageSize = ImageSize.Parse("160x224") });
/// using var square = ModelLoader.Load("deit_tiny_patch16_224", new ModelLoadOptions { Weights = "seeded", ImageSize = 192 });
/// Console.WriteLine($"{wide.Spec.ImageSize}: {wide.Blocks[0].Height} x {wide.Blocks[0].Width} patches");   // 160x224: 10 x 14 patches
/// </code></example>
[JsonConverter(typeof(ImageSizeJson))]
public readonly record struct ImageSize(int Height, int Width)
{
    /// <summary>True where both are equal.</summary>
    public bool IsSquare => Height == Width;

    /// <summary>The smaller of both.</summary>
    public int Shorter => Math.Min(Height, Width);

    /// <summary>The larger of both.</summary>
    public int Longer => Math.Max(Height, Width);

    /// <summary>A square of this side.</summary>
    public static implicit operator ImageSize(int side) => new(side, side);

    /// <summary>Reads <c>224</c> or <c>224x160</c>, height first.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="SpectralKDException">It is neither.</exception>
    public static ImageSize Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sides = text.Trim().Split('x', 'X');
        return sides.Length <= 2 && Number(sides[0]) is { } height && Number(sides[^1]) is { } width
            ? new ImageSize(height, width)
            : throw new SpectralKDException($"image size '{text}' is neither a side in pixels such as 224 nor height x width such as 224x160");
    }

    /// <inheritdoc/>
    public override string ToString() => IsSquare ? FormattableString.Invariant($"{Height}") : FormattableString.Invariant($"{Height}x{Width}");

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>A number for a square, else a text: <c>"224x160"</c>.</summary>
internal sealed class ImageSizeJson : JsonConverter<ImageSize>
{
    public override ImageSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var side))
        {
            return side;
        }

        try
        {
            return reader.TokenType == JsonTokenType.String ? ImageSize.Parse(reader.GetString()!) : throw new JsonException("an image size is a number or a text such as \"224x160\"");
        }
        catch (SpectralKDException error)
        {
            throw new JsonException(error.Message);
        }
    }

    public override void Write(Utf8JsonWriter writer, ImageSize value, JsonSerializerOptions options)
    {
        if (value.IsSquare)
        {
            writer.WriteNumberValue(value.Height);
        }
        else
        {
            writer.WriteStringValue(value.ToString());
        }
    }
}

/// <summary>Rows and columns of a grid of patches. A number is a square grid.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
public readonly record struct MapShape(int Rows, int Columns)
{
    /// <summary>Number of patches.</summary>
    public int Count => Rows * Columns;

    /// <summary>A square grid.</summary>
    public static implicit operator MapShape(int side) => new(side, side);

    /// <summary>The shape whose rows and columns follow from those of this one.</summary>
    public MapShape Each(Func<int, int> side) => new(side(Rows), side(Columns));

    /// <summary>The shape whose rows and columns follow from those of two.</summary>
    public MapShape With(MapShape other, Func<int, int, int> side) => new(side(Rows, other.Rows), side(Columns, other.Columns));

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Rows}x{Columns}");
}
