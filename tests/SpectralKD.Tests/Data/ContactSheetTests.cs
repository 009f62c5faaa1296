using SkiaSharp;

namespace SpectralKD.Tests.Data;

public sealed class ContactSheetTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void The_sheet_has_room_for_all_pictures_and_captions()
    {
        using var sheet = SKBitmap.Decode(ContactSheet.Render(Textures.Create(count: 40, size: 32), count: 15, columns: 4, thumbnail: 64));
        Assert.Equal((8 + (4 * 72), 8 + (4 * (64 + 24 + 8))), (sheet.Width, sheet.Height));
    }

    [Fact]
    public void A_caption_is_inked_below_its_picture_and_an_unreadable_image_is_grey()
    {
        files.Write("cats/1.jpg", "text"u8.ToArray());
        using var sheet = SKBitmap.Decode(ContactSheet.Render(ImageSources.Open(files.Root)));
        Assert.Equal(new SKColor(0xDD, 0xDD, 0xDD), sheet.GetPixel(8 + 64, 8 + 64));
        var inked = Enumerable.Range(0, 128 * 16).Count(i => sheet.GetPixel(8 + (i % 128), 8 + 128 + 4 + (i / 128)).Red < 100);
        Assert.InRange(inked, 40, 400);
    }

    [Fact]
    public void Captions_have_the_systems_letters_with_smooth_edges_and_long_names_end_in_dots_within_their_picture()
    {
        Assert.SkipWhen(SkiaSharp.SKFontManager.Default.FontFamilies.Intersect(["DejaVu Sans", "Liberation Sans", "Segoe UI", "Arial", "Helvetica"]).FirstOrDefault() is null, "skipped: no font that captions are set in");
        files.Write("a class with a name much longer than its picture is wide/1.jpg", "text"u8.ToArray());
        files.Write("b/1.jpg", "text"u8.ToArray());
        using var sheet = SKBitmap.Decode(ContactSheet.Render(ImageSources.Open(files.Root)));
        var shades = Enumerable.Range(0, 128 * 24).Select(i => sheet.GetPixel(8 + (i % 128), 8 + 128 + (i / 128)).Red).Distinct().Count();
        Assert.True(shades > 10, $"{shades} shades: letters of dots have two");
        Assert.All(Enumerable.Range(0, 24), row => Assert.Equal(0, sheet.GetPixel(8 + 128 + 4, 8 + 128 + row).Alpha));
        Assert.All(Enumerable.Range(0, 24), row => Assert.Equal(0xC8, sheet.GetPixel(8 + 1, 8 + 128 + row).Red));
    }

    [Fact]
    public void Between_pictures_and_captions_there_is_no_ground_and_captions_have_one_of_their_own()
    {
        using var sheet = SKBitmap.Decode(ContactSheet.Render(Textures.Create(count: 4, size: 32), count: 4, columns: 2, thumbnail: 64));
        Assert.All([(0, 0), (4, 100), (8 + 64 + 4, 40), (sheet.Width - 1, sheet.Height - 1)], place => Assert.Equal(0, sheet.GetPixel(place.Item1, place.Item2).Alpha));
        Assert.Equal(255, sheet.GetPixel(8 + 1, 8 + 64 + 1).Alpha);
        Assert.InRange(sheet.GetPixel(8 + 1, 8 + 64 + 1).Red, 150, 230);
    }

    [Fact]
    public void Each_pixel_of_a_small_picture_becomes_a_square_which_keeps_the_file_small()
    {
        var images = Textures.Create(count: 20);
        var png = ContactSheet.Render(images, 20);
        using var sheet = SKBitmap.Decode(png);
        var first = Enumerable.Range(0, images.Count).Select(i => images.Read(i)).First(image => Shows(image, 0, 0));

        Assert.All(Enumerable.Range(0, 128), at => Assert.True(Shows(first, at, 127 - at)));
        Assert.InRange(png.Length, 1, 20 * 64 * 64 * 3 * 3 / 2);

        bool Shows(RgbImage image, int x, int y)
        {
            var place = 3 * ((y / 2 * image.Width) + (x / 2));
            return sheet.GetPixel(8 + x, 8 + y) == new SKColor(image.Pixels[place], image.Pixels[place + 1], image.Pixels[place + 2]);
        }
    }

    [Fact]
    public void Numbers_out_of_range_are_refused() =>
        Assert.Throws<SpectralKDException>(() => ContactSheet.Render(Textures.Create(count: 2), columns: 0));
}
