using SkiaSharp;

namespace SpectralKD.Data;

/// <summary>A picture of many small pictures with the names of their classes, to see at a glance what a source holds.</summary>
public static class ContactSheet
{
    private const int Gap = 8;
    private const int LetterScale = 2;
    private const int CaptionHeight = (BitmapFont.Height * LetterScale) + 8;
    private static readonly SKColor Paper = new(0xFF, 0xFF, 0xFF);
    private static readonly SKColor Ink = new(0x22, 0x22, 0x22);
    private static readonly SKColor Missing = new(0xDD, 0xDD, 0xDD);

    /// <summary>
    /// Draws some images, spread evenly over the classes and always the same ones, cut to squares. An unreadable image shows as a grey tile.
    /// </summary>
    /// <param name="source">The images.</param>
    /// <param name="count">How many to show at most, at least 1.</param>
    /// <param name="columns">Pictures in a row, at least 1.</param>
    /// <param name="thumbnail">Side of one picture in pixels, at least 32.</param>
    /// <returns>A PNG file.</returns>
    /// <exception cref="SpectralKDException">A number is out of range.</exception>
    public static byte[] Render(IImageSource source, int count = 20, int columns = 10, int thumbnail = 128)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (count < 1 || columns < 1 || thumbnail < 32)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"A contact sheet needs at least 1 image, 1 column and 32 pixels, but got {count}, {columns} and {thumbnail}."));
        }

        var shown = ClassBalance.Draw(source, Enumerable.Range(0, source.Count), count, seed: 0);
        var across = Math.Min(columns, shown.Length);
        var down = (shown.Length + across - 1) / across;
        using var bitmap = new SKBitmap(
            Gap + (across * (thumbnail + Gap)), Gap + (down * (thumbnail + CaptionHeight + Gap)), SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(Paper);
        for (var i = 0; i < shown.Length; i++)
        {
            var (x, y) = (Gap + (i % across * (thumbnail + Gap)), Gap + (i / across * (thumbnail + CaptionHeight + Gap)));
            DrawPicture(bitmap, source, shown[i], x, y, thumbnail);
            DrawCaption(bitmap, source.Classes[source.Label(shown[i])], x, y + thumbnail + 4, thumbnail);
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void DrawPicture(SKBitmap sheet, IImageSource source, int index, int left, int top, int side)
    {
        var pixels = TryRead(source, index, side);
        for (var i = 0; i < side * side; i++)
        {
            var colour = pixels is null ? Missing : new SKColor(pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]);
            sheet.SetPixel(left + (i % side), top + (i / side), colour);
        }
    }

    private static byte[]? TryRead(IImageSource source, int index, int side)
    {
        using var room = DecodingRoom.Enter();
        try
        {
            return new EvalTransform(new Preprocessing { CropFraction = 1 }, side).ResizeAndCrop(source.Read(index)).Pixels;
        }
        catch (SpectralKDException)
        {
            return null; // shown as a grey tile
        }
    }

    private static void DrawCaption(SKBitmap sheet, string text, int left, int top, int width)
    {
        var room = width / (BitmapFont.Advance * LetterScale);
        var shown = text.Length > room ? text[..(room - 2)] + ".." : text;
        var start = left + ((width - (shown.Length * BitmapFont.Advance * LetterScale)) / 2);
        for (var dot = 0; dot < shown.Length * 5 * BitmapFont.Height; dot++)
        {
            var (letter, column, row) = (dot / (5 * BitmapFont.Height), dot % 5, dot / 5 % BitmapFont.Height);
            if (BitmapFont.IsInked(shown[letter], column, row))
            {
                var x = start + (((letter * BitmapFont.Advance) + column) * LetterScale);
                sheet.Erase(Ink, new SKRectI(x, top + (row * LetterScale), x + LetterScale, top + ((row + 1) * LetterScale)));
            }
        }
    }
}
