using System.Security.Cryptography;
using System.Text.Json;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Models;

/// <summary>Images of two sizes from the text that a user writes to the spectra.</summary>
public sealed class ImageSizeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<int> Rectangles => SharedData.GoldenCases("").Contains("preprocess") && File.Exists(Path.Combine(SharedData.Golden("preprocess"), "rectangles.json"))
        ? [.. Enumerable.Range(0, Document().GetArrayLength())] : [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("224", 224, 224)]
    [InlineData(" 224x160 ", 224, 160)]
    [InlineData("160X224", 160, 224)]
    public void A_size_is_a_side_or_height_by_width(string text, int height, int width)
    {
        var size = ImageSize.Parse(text);
        Assert.Equal((height, width), (size.Height, size.Width));
        Assert.Equal(size, ImageSize.Parse(size.ToString()));
        Assert.Equal(size, JsonSerializer.Deserialize<ImageSize>(JsonSerializer.Serialize(size)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("224x")]
    [InlineData("224x160x3")]
    [InlineData("large")]
    public void Another_text_is_refused_with_both_ways_to_say_it(string text) => Assert.Equal(
        $"image size '{text}' is neither a side in pixels such as 224 nor height x width such as 224x160",
        Assert.Throws<SpectralKDException>(() => ImageSize.Parse(text)).Message);

    [Fact]
    public void A_square_is_a_number_in_JSON_and_a_recipe_takes_both()
    {
        Assert.Equal("224", JsonSerializer.Serialize<ImageSize>(224));
        Assert.Equal("\"224x160\"", JsonSerializer.Serialize(new ImageSize(224, 160)));
        var recipe = new DistillationRecipe { Student = "deit_nano_patch8_64", Teacher = "cait_nano_patch8_64", ImageSize = new ImageSize(64, 48) };
        Assert.Contains("\"imageSize\": \"64x48\"", recipe.ToJson(), StringComparison.Ordinal);
        Assert.Equal(new ImageSize(64, 48), DistillationRecipe.FromJson(recipe.ToJson()).ImageSize);
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Rectangles))]
    public void Images_of_two_sizes_are_prepared_as_timm_does_to_the_byte(int number)
    {
        var golden = Document()[number];
        var (width, height) = (golden.GetProperty("image")[0].GetInt32(), golden.GetProperty("image")[1].GetInt32());
        var image = new RgbImage(width, height, [.. GoldenValues.Generate($"image.{width}x{height}", 3 * width * height, 255, 127.5).Select(value => (byte)value)]);
        var transform = new EvalTransform(
            new Preprocessing { CropFraction = golden.GetProperty("crop_pct").GetDouble(), Squash = golden.GetProperty("squash").GetBoolean() },
            ImageSize.Parse(golden.GetProperty("size").GetString()!));

        var resized = transform.ResizeTo.SizeOf(width, height);
        Assert.Equal([resized.Width, resized.Height], golden.GetProperty("resized_wh").EnumerateArray().Select(side => side.GetInt32()));
        var expected = golden.GetProperty("cropped_rgb_sha256").GetString();
        Assert.Equal(expected, Hash(transform.ResizeAndCrop(image)));
        Assert.Equal(expected, Hash(transform.ResizeAndCrop(EvalTransform.Resized(image, transform.ResizeTo)))); // as an image cache keeps it

        static string Hash(RgbImage image) => Convert.ToHexString(SHA256.HashData(image.Pixels)).ToLowerInvariant();
    }

    [Theory]
    [InlineData("deit_nano_patch8_64", 64, 48, 8, 6)]
    [InlineData("cait_nano_patch8_64", 48, 64, 6, 8)]
    [InlineData("swin_nano_patch4_window4_64", 64, 32, 16, 8)]
    public void Every_family_is_analysed_on_rectangles(string name, int height, int width, int rows, int columns)
    {
        using var model = ModelLoader.Load(name, new ModelLoadOptions { Weights = "seeded", ImageSize = new ImageSize(height, width), Device = CPU });

        var spectrum = SpectralAnalysis.Run(model, Textures.Create(4, 64));

        Assert.Equal((rows, columns), (spectrum.Blocks[0].Height, spectrum.Blocks[0].Width));
        Assert.Equal($"{height}x{width} pixels, covering {(int)(height / 0.9)}x{(int)(width / 0.9)} (bilinear), crop 0.9, mean 0.485 0.456 0.406, std 0.229 0.224 0.225", spectrum.Parts[0].Input!.Words);
        Assert.Equal(spectrum.Parts[0].Input!.Words, ModelSpectrum.FromJson(spectrum.ToJson()).Parts[0].Input!.Words);
        Assert.Equal((3, height, width), ModelCard.Of(model).Input);
    }

    [Fact]
    public void A_size_that_is_no_multiple_of_the_patch_is_refused_with_those_that_are() => Assert.Contains(
        "but 50 and 70 is no multiple of 8: use an image size of 48x64 or 56x72",
        Assert.Throws<SpectralKDException>(() => ModelCatalog.Create("deit_nano_patch8_64", imageSize: new ImageSize(50, 70))).Message, StringComparison.Ordinal);

    [Fact]
    public void Students_are_trained_on_rectangles_with_random_crops_and_erasing()
    {
        using var scope = NewDisposeScope();
        var transform = new TrainTransform(Augmentation.Parse("deit"), Preprocessing.ImageNet, new ImageSize(64, 48));
        var target = new float[transform.Length];
        transform.Apply(Textures.Create(1, 80).Read(0), target, new CounterRandom(1, 2));
        Assert.Equal(3 * 64 * 48, target.Length);
        Assert.Contains(target, value => value != 0);
    }

    [Fact]
    public void Windows_of_another_size_are_chosen_on_loading_and_their_tables_interpolated()
    {
        using var trained = ModelLoader.Load("swin_nano_patch4_window4_64", new ModelLoadOptions { Weights = "seeded:3", Device = CPU });
        ModelLoader.Save(trained, _folder.File("swin.safetensors"));

        using var model = ModelLoader.Load("swin_nano_patch4_window4_64", new ModelLoadOptions { Weights = _folder.File("swin.safetensors"), WindowSize = 8, Device = CPU });

        Assert.Equal(8, ((SwinSpec)model.Spec).WindowSize);
        Assert.Equal([15 * 15, 2], model.state_dict()["layers.0.blocks.0.attn.relative_position_bias_table"].shape);
        Assert.Contains(model.Origin.Notes, note => note.Contains("interpolated", StringComparison.Ordinal));
        Assert.Equal("deit_nano_patch8_64 has no attention windows, so it takes no window size", Assert.Throws<SpectralKDException>(
            () => ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Weights = "seeded", WindowSize = 8 })).Message);
    }

    private static JsonElement Document()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("preprocess", "rectangles.json")));
        return document.RootElement.GetProperty("cases").Clone();
    }
}
