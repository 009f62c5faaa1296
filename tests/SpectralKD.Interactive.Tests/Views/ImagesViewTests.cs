using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Views;

public sealed class ImagesViewTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-view-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Images_are_shown_with_what_their_listing_left_out()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "cat"));
        var png = ContactSheet.Render(Textures.Create(1, 32), 1);
        File.WriteAllBytes(Path.Combine(_folder, "cat", "1.png"), png);
        File.WriteAllBytes(Path.Combine(_folder, "a&b.png"), png);

        var view = new ImagesView(ImageSources.Open(_folder));

        Assert.EndsWith("note: 1 image is left out, beside the class folders (a&b.png)", view.ToPlainText(), StringComparison.Ordinal);
        Assert.Contains("<div>note: 1 image is left out, beside the class folders (a&amp;b.png)</div>", view.ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_classes_are_letters_of_the_page_below_each_image_and_small_images_keep_their_pixels()
    {
        var html = new ImagesView(Textures.Create(40, 32)).ToHtml();

        Assert.Equal(20, html.Split("<figcaption").Length - 1);
        Assert.Contains($">{Textures.ClassNames[0]}</figcaption>", html, StringComparison.Ordinal);
        Assert.Contains("image-rendering:pixelated", html, StringComparison.Ordinal);
        Assert.InRange(html.Length, 1000, 150_000);
    }
}
