using System.Globalization;
using SkiaSharp;

namespace SpectralKD.Data;

/// <summary>
/// Many small pictures with the names of their classes, to see at a glance what a source holds: as thumbnails for a page, which sets the names in its own letters, and as one picture file, which has
/// no ground, so that it suits light and dark pages.
/// </summary>
internal static class ContactSheet
{
    private const int Gap = 8;
    private const int LetterScale = 2;
    private const int CaptionHeight = (BitmapFont.Height * LetterScale) + 8;
    private static readonly string[] Families = ["Segoe UI", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Helvetica", "Arial", "Ubuntu", "Cantarell"];
    private static readonly SKColor Caption = new(0xC8, 0xCC, 0xD2);
    private static readonly SKColor Ink = new(0x22, 0x22, 0x22);
    private static readonly SKColor Missing = new(0xDD, 0xDD, 0xDD);

    /// <summary>
    /// Draws some images, spread evenly over the classes and always the same ones, cut to squares. An unreadable image shows as a grey tile. Each
    /// pixel of a small one becomes a square where that fills the tile: enlarged smoothly it would take a file of more than twice the size.
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
                $"a contact sheet needs at least 1 image, 1 column and 32 pixels, but got {count}, {columns} and {thumbnail}"));
        }

        var shown = Chosen(source, count);
        var across = Math.Min(columns, shown.Length);
        var down = (shown.Length + across - 1) / across;
        using var bitmap = new SKBitmap(
            Gap + (across * (thumbnail + Gap)), Gap + (down * (thumbnail + CaptionHeight + Gap)), SKColorType.Rgba8888, SKAlphaType.Premul);
        bitmap.Erase(SKColors.Transparent);
        using var letters = Letters();
        for (var i = 0; i < shown.Length; i++)
        {
            var (x, y) = (Gap + (i % across * (thumbnail + Gap)), Gap + (i / across * (thumbnail + CaptionHeight + Gap)));
            DrawPicture(bitmap, source, shown[i], x, y, thumbnail);
            bitmap.Erase(Caption, new SKRectI(x, y + thumbnail, x + thumbnail, y + thumbnail + CaptionHeight));
            DrawCaption(bitmap, source.Classes[source.Label(shown[i])], x, y + thumbnail + 4, thumbnail, letters);
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>The images that a sheet shows: spread evenly over the classes and always the same ones.</summary>
    internal static int[] Chosen(IImageSource source, int count) => ClassBalance.Draw(source, Enumerable.Range(0, source.Count), count, seed: 0);

    /// <summary>
    /// One image as a file for a page: a small square one as it is (PNG), others cut to a square of a side in pixels (JPEG); null where it cannot be read.
    /// </summary>
    internal static (string MimeType, byte[] Bytes)? Thumbnail(IImageSource source, int index, int side)
    {
        RgbImage image;
        try
        {
            using var room = DecodingRoom.Enter();
            image = source.Read(index);
            var small = image.Width == image.Height && image.Width <= side;
            image = small ? image : new EvalTransform(new Preprocessing { CropFraction = 1 }, side).ResizeAndCrop(image);
        }
        catch (SpectralKDException)
        {
            return null;
        }

        using var bitmap = new SKBitmap(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels = [.. Enumerable.Range(0, image.Width * image.Height).Select(i => new SKColor(image.Pixels[3 * i], image.Pixels[(3 * i) + 1], image.Pixels[(3 * i) + 2]))];
        var photo = image.Width == side;
        using var file = bitmap.Encode(photo ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png, 88);
        return (photo ? "image/jpeg" : "image/png", file.ToArray());
    }

    /// <summary>
    /// The two-dimensional amplitude spectrum of an image as a small PNG: grey values at 64 x 64 pixels without their mean, logarithmic, frequency 0 in the middle; null where it cannot be read.
    /// </summary>
    internal static byte[]? SpectrumThumbnail(IImageSource source, int index)
    {
        const int side = 64;
        if (TryRead(source, index, side) is not { } pixels)
        {
            return null;
        }

        var grey = Enumerable.Range(0, side * side).Select(i => (0.299 * pixels[3 * i]) + (0.587 * pixels[(3 * i) + 1]) + (0.114 * pixels[(3 * i) + 2])).ToArray();
        double[] logarithms;
        using (NewDisposeScope())
        {
            var map = tensor(grey, [side, side]);
            logarithms = fft.fftshift(fft.fft2(map.sub(map.mean())).abs()).log1p().contiguous().data<double>().ToArray();
        }

        var largest = Math.Max(logarithms.Max(), double.Epsilon);
        using var bitmap = new SKBitmap(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var i = 0; i < side * side; i++)
        {
            var shade = (byte)(255 * logarithms[i] / largest);
            bitmap.SetPixel(i % side, i / side, new SKColor(shade, shade, shade));
        }

        using var file = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return file.ToArray();
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
            var image = source.Read(index);
            return image.Width == image.Height && side % image.Width == 0
                ? Enlarge(image, side / image.Width)
                : new EvalTransform(new Preprocessing { CropFraction = 1 }, side).ResizeAndCrop(image).Pixels;
        }
        catch (SpectralKDException)
        {
            return null; // shown as a grey tile
        }
    }

    private static byte[] Enlarge(RgbImage image, int times)
    {
        var side = image.Width * times;
        var pixels = new byte[side * side * 3];
        for (var i = 0; i < side * side; i++)
        {
            image.Pixels.AsSpan(3 * ((i / side / times * image.Width) + (i % side / times)), 3).CopyTo(pixels.AsSpan(3 * i));
        }

        return pixels;
    }

    // A machine without fonts, such as a container, has the letters of BitmapFont.
    private static SKPaint? Letters() => Families.Select(SKTypeface.FromFamilyName).FirstOrDefault(face => face is not null && Families.Contains(face.FamilyName)) is { } face
        ? new SKPaint { Typeface = face, TextSize = 15, IsAntialias = true, SubpixelText = true, Color = Ink } : null;

    private static void DrawCaption(SKBitmap sheet, string text, int left, int top, int width, SKPaint? letters)
    {
        if (letters is null)
        {
            DrawDots(sheet, text, left, top, width);
            return;
        }

        using var canvas = new SKCanvas(sheet);
        for (var length = text.Length; letters.MeasureText(text) > width - 6 && length > 1; length--)
        {
            text = text[..(length - 1)].TrimEnd('…', ' ') + "…";
        }

        canvas.DrawText(text, left + ((width - letters.MeasureText(text)) / 2), top + 12.5f, letters);
    }

    private static void DrawDots(SKBitmap sheet, string text, int left, int top, int width)
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

/// <summary>
/// Letters of 5 x 8 dots for captions on a machine without fonts, such as a container, which would otherwise show none.
/// </summary>
internal static class BitmapFont
{
    /// <summary>Dots from one letter to the next.</summary>
    public const int Advance = 6;

    /// <summary>Rows of a letter, one of them for descenders.</summary>
    public const int Height = 8;

    /// <summary>Five columns for each character from space to tilde, two hexadecimal digits each; bit 0 is the top row.</summary>
    private const string Columns =
        "0000000000" + "00005F0000" + "0007000700" + "147F147F14" + "242A7F2A12" + "2313086462" + "3649552250" + "0000030000"
        + "001C224100" + "0041221C00" + "14083E0814" + "08083E0808" + "0050300000" + "0808080808" + "0060600000" + "2010080402"
        + "3E5149453E" + "00427F4000" + "4261514946" + "2141454B31" + "1814127F10" + "2745454539" + "3C4A494930" + "0171090503"
        + "3649494936" + "064949291E" + "0036360000" + "0056360000" + "0814224100" + "1414141414" + "0041221408" + "0201510906"
        + "324979413E" + "7E1111117E" + "7F49494936" + "3E41414122" + "7F4141221C" + "7F49494941" + "7F09090901" + "3E4149497A"
        + "7F0808087F" + "00417F4100" + "2040413F01" + "7F08142241" + "7F40404040" + "7F020C027F" + "7F0408107F" + "3E4141413E"
        + "7F09090906" + "3E4151215E" + "7F09192946" + "4649494931" + "01017F0101" + "3F4040403F" + "1F2040201F" + "3F4038403F"
        + "6314081463" + "0708700807" + "6151494543" + "007F414100" + "0204081020" + "0041417F00" + "0402010204" + "4040404040"
        + "0001020400" + "2054545478" + "7F48444438" + "3844444420" + "384444487F" + "3854545418" + "087E090102" + "18A4A4A47C"
        + "7F08040478" + "00447D4000" + "4080847D00" + "7F10284400" + "00417F4000" + "7C04180478" + "7C08040478" + "3844444438"
        + "FC24242418" + "18242424FC" + "7C08040408" + "4854545420" + "043F444020" + "3C4040207C" + "1C2040201C" + "3C4030403C"
        + "4428102844" + "1CA0A0A07C" + "4464544C44" + "0008364100" + "00007F0000" + "0041360800" + "0804080408";

    /// <summary>True if a dot of a letter is inked; letters outside ASCII show as a question mark.</summary>
    public static bool IsInked(char letter, int column, int row)
    {
        var place = letter is >= ' ' and <= '~' ? letter - ' ' : '?' - ' ';
        var bits = byte.Parse(Columns.AsSpan((place * 10) + (column * 2), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (bits & (1 << row)) != 0;
    }
}
