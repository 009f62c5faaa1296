using SkiaSharp;

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
    [InlineData("P6 x", "broken header for a PBM, PGM or PPM file")]
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

    // The pixels of this and the next test: python3 -c "from PIL import Image; import io; print(Image.open(io.BytesIO(b'…')).convert('RGB').tobytes().hex())"
    [Theory]
    [InlineData("P1\n# note\n3 2\n1 0 1\n011\n", "000000FFFFFF000000FFFFFF000000000000")]
    [InlineData("P1 3 2\n101011", "000000FFFFFF000000FFFFFF000000000000")]
    [InlineData("P2\n3 2\n15\n0 2 4 6 8 10\n", "000000222222444444666666888888AAAAAA")]
    [InlineData("P2 3 1 6 1 3 5 ", "2A2A2A808080D4D4D4")] // 42.5 and 127.5 and 212.5: halves go to the even neighbour
    [InlineData("P3 # x\n1 2\n255\n1 2 3\n4 5 6\n", "010203040506")]
    [InlineData("P4\n9 2\n\u00aa\u0080\u000f\0", "000000FFFFFF000000FFFFFF000000FFFFFF000000FFFFFF000000FFFFFFFFFFFFFFFFFFFFFFFF000000000000000000000000FFFFFF")]
    [InlineData("P5 3 1 6\n\u0001\u0003\u0005", "2A2A2A808080D4D4D4")]
    [InlineData("P5 2 1 6\n\u0007\u0006", "FFFFFFFFFFFF")]
    [InlineData("P6 1 1 1000\n\0\u0001\u0001\u00f4\u0003\u00e8", "0080FF")]
    public void Bitmaps_and_maps_plain_and_binary_are_read_as_Pillow_reads_them(string file, string expected) =>
        Assert.Equal(expected, Convert.ToHexString(ImageDecoder.Decode(System.Text.Encoding.Latin1.GetBytes(file), "map.pgm").Pixels));

    [Theory]
    [InlineData("P2 1 1 6\n7", "is none from 0 to 6")]
    [InlineData("P2 2 2 255\n1 2 3 ", "4 numbers of pixels expected, 3 found")]
    [InlineData("P1 2 2\n1 1 2 1", "is none from 0 to 1")]
    [InlineData("P5 26833 26833 255\n", "26833 x 26833 pixels, more than the limit")]
    [InlineData("P6 2147483647 2147483647 65535\n", "more than the limit")]
    [InlineData("P5 13000 13000 255\n", "169000000 bytes of pixels expected, 0 found")]
    public void Maps_of_wrong_numbers_and_of_sizes_beyond_memory_are_refused(string file, string words) => Assert.Contains(
        words,
        Assert.Throws<SpectralKDException>(() => ImageDecoder.Decode(System.Text.Encoding.Latin1.GetBytes(file), "map.pgm")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_transparent_colour_of_a_gif_stays_that_colour_as_in_Pillow()
    {
        // Pillow: 4 pixels of the palette (200,100,50), (1,2,3), (255,0,128), saved with transparency=1.
        var gif = Convert.FromHexString(
            "47494638396104000100810000C86432010203FF008009080721F90401000001002C000000000400010000080700010410102020003B");
        var kept = (byte[])gif.Clone();
        Assert.Equal([200, 100, 50, 1, 2, 3, 255, 0, 128, 1, 2, 3], ImageDecoder.Decode(gif, "photo.jpg").Pixels);
        Assert.Equal(kept, gif);
    }

    [Fact]
    public void An_index_beyond_a_png_palette_is_the_grey_that_Pillow_gives()
    {
        var png = PngFile.Make(4, 1, 8, 3, [0, 1, 2, 200], ("PLTE", [10, 20, 30, 40, 50, 60]));
        Assert.Equal([10, 20, 30, 40, 50, 60, 2, 2, 2, 200, 200, 200], ImageDecoder.Decode(png, "p.png").Pixels);
    }

    [Fact]
    public void Large_images_read_by_rows_have_the_same_pixels()
    {
        foreach (var file in new[] { ImageFiles.Jpeg(150, 101), ImageFiles.Png(150, 101), PngFile.Make(3, 1, 8, 3, [0, 1, 2], ("PLTE", [9, 8, 7, 6, 5, 4])) })
        {
            Assert.Equal(ImageDecoder.Decode(file, "x").Pixels, ImageDecoder.Decode(file, "x", manyPixels: 0).Pixels);
        }

        foreach (var file in new[] { ImageFiles.Jpeg(200, 150), ImageFiles.Png(200, 150) })
        {
            var error = Assert.Throws<SpectralKDException>(() => ImageDecoder.Decode(file[..(file.Length / 2)], "cut", manyPixels: 0));
            Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
        }
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
