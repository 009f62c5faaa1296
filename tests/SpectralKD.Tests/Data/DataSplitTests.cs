using CsCheck;

namespace SpectralKD.Tests.Data;

public sealed class DataSplitTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Both_sides_are_disjoint_together_everything_and_fair_to_each_class()
    {
        Gen.Select(Gen.Int[2, 200], Gen.Double[0.05, 0.9], Gen.Int[0, 1000]).Sample((count, fraction, seed) =>
        {
            var source = Textures.Create(count, 8);
            var split = DataSplit.BySeed(source, fraction, seed);
            var names = Names(split.Train).Concat(Names(split.Validation)).ToArray();
            var perClass = Enumerable.Range(0, split.Validation.Count).GroupBy(split.Validation.Label).Select(group => group.Count()).ToArray();
            return names.Length == count && names.Distinct().Count() == count
                && split.Validation.Count == Math.Clamp((int)Math.Round(fraction * count), 1, count - 1)
                && (count < 30 || perClass.Max() - perClass.Min() <= 2 || perClass.Length < 10);
        }, iter: 100);
    }

    [Fact]
    public void The_split_depends_on_the_seed_alone()
    {
        var source = Textures.Create(100, 8);
        Assert.Equal(Names(DataSplit.BySeed(source, 0.2, 1).Validation), Names(DataSplit.BySeed(source, 0.2, 1).Validation));
        Assert.NotEqual(Names(DataSplit.BySeed(source, 0.2, 1).Validation), Names(DataSplit.BySeed(source, 0.2, 2).Validation));
    }

    [Fact]
    public void Textures_are_validated_with_further_images()
    {
        var split = DataSplit.Open("textures", count: 50, size: 16);
        Assert.Equal((50, 10), (split.Train.Count, split.Validation.Count));
        Assert.Equal(Textures.Create(60, 16).Read(50).Pixels, split.Validation.Read(0).Pixels);
    }

    [Fact]
    public void The_parts_of_a_folder_or_archive_are_taken()
    {
        foreach (var path in new[] { "train/a/1.png", "train/b/2.png", "val/a/3.png", "val/b/4.png" })
        {
            files.Write("set/" + path, ImageFiles.Png());
        }

        var zip = files.WriteZip("set.zip", ("train/a/1.png", [1]), ("train/b/2.png", [1]), ("test/a/3.png", [1]), ("test/b/4.png", [1]));
        Assert.Equal(["a/3.png", "b/4.png"], Names(DataSplit.Open(Path.Combine(files.Root, "set")).Validation));
        Assert.Equal(["a/1.png", "b/2.png"], Names(DataSplit.Open(zip).Train));

        var error = Assert.Throws<SpectralKDException>(() => ImageSources.Open(zip));
        Assert.Contains("set.zip/train or ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "train", "val")]
    [InlineData("photos/", "train", "val")]
    [InlineData("a/b/", "train", "test")]
    [InlineData("seg/", "Training", "Validation")]
    public void Parts_in_folders_that_wrap_them_are_taken_as_those_without(string wrapper, string train, string validation)
    {
        var paths = new[] { $"{train}/cat/1.png", $"{train}/dog/2.png", $"{validation}/cat/3.png", $"{validation}/dog/4.png" };
        foreach (var path in paths)
        {
            files.Write($"set/{wrapper}{path}", ImageFiles.Png());
        }

        var zip = files.WriteZip("set.zip", [.. paths.Select(path => (wrapper + path, ImageFiles.Png()))]);
        foreach (var source in new[] { Path.Combine(files.Root, "set"), zip })
        {
            var split = DataSplit.Open(source);
            Assert.Equal(["cat", "dog"], split.Train.Classes);
            Assert.Equal(["cat/1.png", "dog/2.png"], Names(split.Train));
            Assert.Equal(["cat/3.png", "dog/4.png"], Names(split.Validation));
            var error = Assert.Throws<SpectralKDException>(() => ImageSources.Open(source));
            Assert.EndsWith($"/{wrapper}{train} or {source}/{wrapper}{validation}", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["cat/1.png", "dog/2.png"], Names(ImageSources.Open($"{zip}/{train}")));
        Assert.Equal(["cat", "dog"], ImageSources.Open($"{zip}/{wrapper}{validation}").Classes);
    }

    [Theory]
    [InlineData("w/")]
    [InlineData("a/b/")]
    public void Parts_in_a_wrapper_beside_folders_without_images_are_found_in_a_zip_and_in_a_folder(string wrapper)
    {
        var paths = new[] { "train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "val/dog/4.png" };
        string[] others = ["other/x.txt", "labels/train/1.txt", "aside/.hidden/5.png"];
        foreach (var path in paths.Select(path => wrapper + path).Concat(others))
        {
            files.Write("set/" + path, ImageFiles.Png());
        }

        var zip = files.WriteZip("set.zip", [.. paths.Select(path => wrapper + path).Concat(others).Select(path => (path, ImageFiles.Png()))]);
        foreach (var source in new[] { Path.Combine(files.Root, "set"), zip })
        {
            var split = DataSplit.Open(source);
            Assert.Equal(["cat", "dog"], split.Train.Classes);
            Assert.Equal(["cat/3.png", "dog/4.png"], Names(split.Validation));
            var error = Assert.Throws<SpectralKDException>(() => ImageSources.Open(source));
            Assert.EndsWith($"name {source}/{wrapper}train or {source}/{wrapper}val", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["cat/1.png", "dog/2.png"], Names(ImageSources.Open($"{zip}/train")));
    }

    [Fact]
    public void What_the_listing_left_out_is_told_before_the_training()
    {
        var zip = files.WriteZip("told.zip", ("cat/1.png", ImageFiles.Png()), ("dog/2.png", ImageFiles.Png()), ("top.png", ImageFiles.Png()));
        var data = new SpectralKD.Distillation.ImageTrainingData(DataSplit.Open(zip, fraction: 0.5), new Preprocessing(), 16);
        Assert.Equal("told.zip: 1 image is left out, beside the class folders (top.png)", Assert.Single(data.Warnings));
    }

    [Fact]
    public void Different_classes_on_the_two_sides_are_refused()
    {
        files.Write("t/a/1.png", ImageFiles.Png());
        files.Write("t/b/1.png", ImageFiles.Png());
        files.Write("v/a/1.png", ImageFiles.Png());
        var error = Assert.Throws<SpectralKDException>(() => DataSplit.Open(Path.Combine(files.Root, "t"), Path.Combine(files.Root, "v")));
        Assert.Contains("t has 2 (a, b), v has 1 (a)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fraction_out_of_range_is_refused() =>
        Assert.Throws<SpectralKDException>(() => DataSplit.BySeed(Textures.Create(10, 8), 1.0));

    private static IEnumerable<string> Names(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.ItemName);
}
