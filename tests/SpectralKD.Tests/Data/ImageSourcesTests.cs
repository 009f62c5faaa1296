namespace SpectralKD.Tests.Data;

public sealed class ImageSourcesTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void A_folder_is_listed_as_torchvision_lists_it()
    {
        foreach (var path in new[] { "b/2.jpg", "b/10.JPEG", "b/sub/1.png", "b/z.png", "Z/a.Webp", "a/x.bmp", "a/notes.txt", "root.jpg" })
        {
            files.Write(path, ImageFiles.Jpeg());
        }

        var source = ImageSources.Open(files.Root);

        Assert.Equal(["Z", "a", "b"], source.Classes); // upper case first, as Python sorts
        Assert.Equal(["Z/a.Webp", "a/x.bmp", "b/10.JPEG", "b/2.jpg", "b/z.png", "b/sub/1.png"], Names(source));
        Assert.Equal([0, 1, 2, 2, 2, 2], Enumerable.Range(0, source.Count).Select(source.Label));
        Assert.Equal((40, 30), (source.Read(0).Width, source.Read(0).Height));
    }

    [Fact]
    public void Hidden_files_and_folders_are_passed_over()
    {
        foreach (var path in new[] { "a/.x.jpg", "a/1.jpg", ".cache/2.jpg", "__MACOSX/3.jpg", "a/._1.jpg" })
        {
            files.Write(path, ImageFiles.Jpeg());
        }

        var source = ImageSources.Open(files.Root);
        Assert.Equal(["a"], source.Classes);
        Assert.Equal(["a/1.jpg"], Names(source));
    }

    [Fact]
    public void A_flat_folder_is_one_class()
    {
        files.Write("photos/2.jpg", ImageFiles.Jpeg());
        files.Write("photos/1.jpg", ImageFiles.Jpeg());
        var source = ImageSources.Open(Path.Combine(files.Root, "photos"));
        Assert.Equal(["photos"], source.Classes);
        Assert.Equal(["1.jpg", "2.jpg"], Names(source));
    }

    [Fact]
    public void A_zip_reads_like_the_folder_it_was_made_of()
    {
        var (first, second) = (ImageFiles.Png(seed: 1), ImageFiles.Png(seed: 2));
        files.Write("set/cat/1.png", first);
        files.Write("set/dog/2.png", second);
        var zip = files.WriteZip("set.zip", ("cat/1.png", first), ("dog/2.png", second), ("__MACOSX/cat/._1.png", [1]), ("dog/", []));

        var (unpacked, packed) = (ImageSources.Open(Path.Combine(files.Root, "set")), ImageSources.Open(zip));

        Assert.Equal(unpacked.Classes, packed.Classes);
        Assert.Equal(Names(unpacked), Names(packed));
        Assert.All(Enumerable.Range(0, 2), i => Assert.Equal(unpacked.Read(i).Pixels, packed.Read(i).Pixels));
    }

    [Fact]
    public void A_zip_is_looked_into_where_one_folder_wraps_all_and_where_a_folder_is_named()
    {
        var zip = files.WriteZip("w.zip", ("top/cat/1.png", ImageFiles.Png()), ("top/dog/1.png", ImageFiles.Png()));
        Assert.Equal(["cat", "dog"], ImageSources.Open(zip).Classes);

        var parts = files.WriteZip("p.zip", ("train/cat/1.png", ImageFiles.Png()), ("test/cat/2.png", ImageFiles.Png()));
        var source = ImageSources.Open(parts + "/test");
        Assert.Equal(("p.zip/test", "cat/2.png"), (source.Name, source.ItemName(0)));
    }

    [Fact]
    public void A_zip_is_read_by_several_threads_at_once()
    {
        var images = Enumerable.Range(0, 40).Select(i => ($"c/{i:00}.png", ImageFiles.Png(seed: i))).ToArray();
        var source = ImageSources.Open(files.WriteZip("many.zip", images));
        var expected = images.Select(image => ImageDecoder.Decode(image.Item2, "")).ToArray();
        Parallel.For(0, 400, i => Assert.Equal(expected[i % 40].Pixels, source.Read(i % 40).Pixels));
    }

    [Fact]
    public void A_subset_is_even_over_the_classes_and_fixed_by_the_seed()
    {
        foreach (var (name, count) in new[] { ("a", 10), ("b", 2), ("c", 10) })
        {
            for (var i = 0; i < count; i++)
            {
                files.Write($"{name}/{i}.png", [1]);
            }
        }

        var source = ImageSources.Open(files.Root, count: 12, seed: 3);
        Assert.Equal([5, 2, 5], source.Classes.Select((_, label) => Enumerable.Range(0, 12).Count(i => source.Label(i) == label)));
        Assert.Equal(Names(source), Names(ImageSources.Open(files.Root, count: 12, seed: 3)));
        Assert.NotEqual(Names(source), Names(ImageSources.Open(files.Root, count: 12, seed: 4)));
        Assert.Equal(22, ImageSources.Open(files.Root, count: 1000).Count);
        Assert.Equal(["a", "b"], ImageSources.Open(files.Root, classes: 2).Classes);
        Assert.Equal(12, ImageSources.Open(files.Root, classes: 2).Count);
    }

    [Fact]
    public void Textures_open_by_name_with_their_defaults()
    {
        var source = ImageSources.Open("textures");
        Assert.Equal((500, 10, 64), (source.Count, source.Classes.Count, source.Read(0).Width));
    }

    [Fact]
    public void What_cannot_be_opened_says_why()
    {
        Directory.CreateDirectory(Path.Combine(files.Root, "empty"));
        files.Write("text/notes.txt", [65]);
        var whole = File.ReadAllBytes(files.WriteZip("whole.zip", ("a/1.png", ImageFiles.Png())));

        AssertError(Path.Combine(files.Root, "missing"), "neither a folder nor a .zip archive was found");
        AssertError(Path.Combine(files.Root, "empty"), "holds no images: looked for .jpg .jpeg .png");
        AssertError(Path.Combine(files.Root, "text"), "holds no images");
        AssertError(files.Write("no.zip", "not an archive at all"u8.ToArray()), "is not a zip archive");
        AssertError(files.Write("cut.zip", whole[..(whole.Length / 2)]), "truncated or damaged");
        AssertError(files.Write("void.zip", []), "is not a zip archive");
        AssertError(files.WriteZip("noimage.zip", ("a.txt", [1])), "holds no images");
        AssertError(files.Write("photo.jpg", ImageFiles.Jpeg()), "is a file, but no .zip archive");
        AssertError(" ", "no image source was named");
        Assert.Contains("at least 1", Assert.Throws<SpectralKDException>(() => ImageSources.Open("textures", count: 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_entry_of_a_zip_is_an_error_of_that_image_alone()
    {
        var noise = new byte[5000];
        new Random(1).NextBytes(noise);
        var path = files.WriteZip("d.zip", ("a/1.png", ImageFiles.Png()), ("a/2.png", noise));
        var bytes = File.ReadAllBytes(path);
        bytes[60] ^= 0xFF;
        bytes[61] ^= 0xFF;
        var source = ImageSources.Open(files.Write("e.zip", bytes));
        Assert.Contains("a/1.png", Assert.Throws<SpectralKDException>(() => source.Read(0)).Message, StringComparison.Ordinal);
        Assert.Contains("a/2.png", Assert.Throws<SpectralKDException>(() => source.Read(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_file_that_does_not_begin_as_an_image_is_refused_before_the_rest_is_unpacked()
    {
        const int Length = 64 << 20;
        var zip = files.WriteZip("bomb.zip", ("a/0.jpg", new byte[Length]), ("a/1.png", ImageFiles.Png()));
        var folder = Path.Combine(files.Root, "set");
        using (var file = new FileStream(files.Write("set/a/0.jpg", []), FileMode.Open))
        {
            file.SetLength(Length);
        }

        foreach (var source in new[] { ImageSources.Open(zip), ImageSources.Open(folder) })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var error = Assert.Throws<SpectralKDException>(() => source.Read(0));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Length / 4);
            Assert.Equal($"the file a/0.jpg is not an image that can be read ({Length} bytes of an unknown format, or cut off before the picture begins)", error.Message);
            (source as IDisposable)?.Dispose();
        }
    }

    private static IEnumerable<string> Names(IImageSource source) => Enumerable.Range(0, source.Count).Select(source.ItemName);

    private static void AssertError(string source, string words)
    {
        var error = Assert.Throws<SpectralKDException>(() => ImageSources.Open(source));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
