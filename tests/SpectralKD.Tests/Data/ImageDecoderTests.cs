using SkiaSharp;
using SpectralKD.Data;

namespace SpectralKD.Tests.Data;

public sealed class ImageDecoderTests
{
    [Fact]
    public void Transparency_is_dropped_and_not_blended()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(2, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        System.Runtime.InteropServices.Marshal.Copy(new byte[] { 200, 100, 50, 128, 10, 20, 30, 255 }, 0, bitmap.GetPixels(), 8);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Assert.Equal([200, 100, 50, 10, 20, 30], ImageDecoder.Decode(png.ToArray(), "a.png").Pixels);
    }

    [Theory]
    [InlineData("grey 8", "000102FDFEFF", 0, 8, "000000010101020202FDFDFDFEFEFEFFFFFF")]
    [InlineData("grey 16", "000001FF80FF", 0, 16, "000000010101808080")]
    [InlineData("grey with alpha", "10007F80", 4, 8, "1010107F7F7F")]
    [InlineData("rgb 16", "1234567890AB", 2, 16, "125690")]
    public void Png_kinds_become_rgb(string kind, string samples, int colourType, int depth, string expected)
    {
        var raw = Convert.FromHexString(samples);
        var bytesPerPixel = depth / 8 * colourType switch { 0 => 1, 2 => 3, _ => 2 };
        var png = PngFile.Make(raw.Length / bytesPerPixel, 1, depth, colourType, raw);
        Assert.Equal(expected, Convert.ToHexString(ImageDecoder.Decode(png, kind).Pixels));
    }

    [Fact]
    public void A_palette_gives_its_colours_even_where_an_entry_is_transparent()
    {
        var png = PngFile.Make(3, 1, 8, 3, [0, 1, 2], ("PLTE", [200, 100, 50, 1, 2, 3, 255, 0, 128]), ("tRNS", [128, 255, 1]));
        Assert.Equal([200, 100, 50, 1, 2, 3, 255, 0, 128], ImageDecoder.Decode(png, "p.png").Pixels);
    }

    [Fact]
    public void A_grey_jpeg_becomes_rgb()
    {
        var image = ImageDecoder.Decode(FlatJpeg.Make(77), "grey.jpg");
        Assert.Equal((8, 8), (image.Width, image.Height));
        Assert.All(image.Pixels, value => Assert.Equal(77, value));
    }

    [Theory]
    [InlineData(255, 128, 0, 200)]
    [InlineData(10, 99, 180, 255)]
    [InlineData(33, 222, 77, 131)]
    public void A_cmyk_jpeg_becomes_rgb_as_Pillow_computes_it(byte cyan, byte magenta, byte yellow, byte black)
    {
        var pixels = ImageDecoder.Decode(FlatJpeg.Make(cyan, magenta, yellow, black), "cmyk.jpg").Pixels;
        Assert.Equal([Light(cyan, black), Light(magenta, black), Light(yellow, black)], pixels[..3]);

        // Pillow takes the stored values as inverted inks and keeps of the light that black lets through what the ink does not absorb.
        static byte Light(byte ink, byte black) => (byte)(black - (int)Math.Round((255 - ink) * black / 255.0));
    }

    [Fact]
    public void A_truncated_file_is_named_and_refused()
    {
        foreach (var (name, whole) in new[] { ("cut.jpg", ImageFiles.Jpeg(200, 150)), ("cut.png", ImageFiles.Png(200, 150)) })
        {
            var error = Assert.Throws<SpectralKDException>(() => ImageDecoder.Decode(whole[..(whole.Length / 2)], name));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "empty file")]
    [InlineData("hello, I am a text\n", "it holds text")]
    [InlineData("II*\0", "TIFF is not supported")]
    [InlineData("P5 10 10 255\nabc", "100 bytes of pixels expected, 3 found")]
    [InlineData("P6 x", "broken PPM/PGM header")]
    public void What_is_no_image_says_what_was_found(string content, string words)
    {
        var error = Assert.Throws<SpectralKDException>(() => ImageDecoder.Decode(System.Text.Encoding.Latin1.GetBytes(content), "odd.jpg"));
        Assert.Contains("odd.jpg", error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Portable_maps_are_read()
    {
        Assert.Equal([7, 7, 7, 9, 9, 9], ImageDecoder.Decode([.. "P5\n# note\n2 1\n255\n"u8, 7, 9], "a.pgm").Pixels);
        Assert.Equal([1, 2, 3], ImageDecoder.Decode([.. "P6 1 1 255\n"u8, 1, 2, 3], "a.ppm").Pixels);
        Assert.Equal([255, 255, 255], ImageDecoder.Decode([.. "P5 1 1 65535\n"u8, 255, 255], "a.pgm").Pixels);
    }

    [Fact]
    public void Exif_orientation_is_ignored()
    {
        var jpeg = ImageFiles.Jpeg(40, 30);
        byte[] exif = [0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*\0\0\0\b"u8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
        byte[] turned = [jpeg[0], jpeg[1], .. exif, .. jpeg[2..]];
        using (var codec = SKCodec.Create(SKData.CreateCopy(turned)))
        {
            Assert.Equal(SKEncodedOrigin.RightTop, codec.EncodedOrigin);
        }

        var image = ImageDecoder.Decode(turned, "turned.jpg");
        Assert.Equal((40, 30), (image.Width, image.Height));
        Assert.Equal(ImageDecoder.Decode(jpeg, "plain.jpg").Pixels, image.Pixels);
    }
}
