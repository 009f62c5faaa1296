namespace SpectralKD.Tests.Data;

public sealed class ImageCacheTests : IDisposable
{
    private readonly ImageFiles files = new();
    private readonly Weights.TemporaryFolder cache = new();

    public void Dispose()
    {
        files.Dispose();
        cache.Dispose();
    }

    [Theory]
    [InlineData(32, 1.0)]
    [InlineData(32, 0.9)]
    [InlineData(16, 0.875)]
    [InlineData(64, 0.9)] // larger than some images: these are kept as they are
    public void Images_kept_at_the_transforms_own_length_give_the_same_tensors_to_the_bit(int size, double crop)
    {
        var source = Photos();
        var preprocessing = Preprocessing.ImageNet with { CropFraction = crop };
        var cached = ImageCache.Open(source, cache.Root, preprocessing.ResizeTo(size));
        Assert.Equal(Tensors(source, preprocessing, size), Tensors(cached, preprocessing, size));
        Assert.Contains(cached.Notes, note => note.Contains("was made (it was not there): 5 images", StringComparison.Ordinal));
        var again = ImageCache.Open(source, cache.Root, preprocessing.ResizeTo(size));
        Assert.Equal(Tensors(source, preprocessing, size), Tensors(again, preprocessing, size));
        Assert.Equal(source.Notes, again.Notes);
        (cached as IDisposable)!.Dispose();
    }

    [Theory]
    [InlineData("none", 248)]
    [InlineData("crop-flip", null)]
    [InlineData("deit", null)]
    public void Training_batches_are_the_same_to_the_bit_and_random_crops_see_whole_images(string augmentation, int? side)
    {
        var source = Photos();
        var split = new DataSplit(source, source);
        var plain = new RecipeData { Augmentation = augmentation };
        Assert.Equal(
            Batches(new ImageTrainingData(split, Preprocessing.ImageNet, 224, plain, seed: 3)),
            Batches(new ImageTrainingData(split, Preprocessing.ImageNet, 224, plain with { ImageCache = cache.Root }, seed: 3)));
        var kept = Directory.GetFiles(cache.Root).Select(path => Path.GetFileName(path)).ToList();
        Assert.Equal(side is null ? 2 : 1, kept.Count);
        Assert.Contains(kept, name => name.Contains("-248-", StringComparison.Ordinal));
        Assert.Equal(side is null, kept.Any(name => name.Contains("-whole-", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_archives_images_and_a_part_of_a_folders_are_kept_too()
    {
        var zip = files.WriteZip("photos.zip", ("a/0.png", ImageFiles.Png(seed: 1)), ("b/1.jpg", ImageFiles.Jpeg(90, 70, seed: 2)));
        var part = ImageSources.Open(Photos("more"), count: 3);
        foreach (var source in new[] { ImageSources.Open(zip), part })
        {
            var cached = ImageCache.Open(source, cache.Root, 20);
            Assert.Equal(source.Count, cached.Count);
            Assert.Equal(Enumerable.Range(0, source.Count).Select(source.Label), Enumerable.Range(0, source.Count).Select(cached.Label));
            Assert.All(Enumerable.Range(0, source.Count), index => Assert.Equal(20, Math.Min(cached.Read(index).Width, cached.Read(index).Height)));
        }
    }

    [Fact]
    public void An_image_that_changed_is_said_and_the_cache_made_anew()
    {
        var source = Photos();
        ImageCache.Open(source, cache.Root, 16);
        files.Write("photos/b/2.png", ImageFiles.Png(50, 41, seed: 9));
        var fresh = ImageSources.Open(Path.Combine(files.Root, "photos"));
        var cached = ImageCache.Open(fresh, cache.Root, 16);
        Assert.Contains(cached.Notes, note => note.Contains("1 of its 5 images have changed since, the first is b/2.png", StringComparison.Ordinal));
        Assert.Equal(Tensors(fresh, Preprocessing.ImageNet with { CropFraction = 1 }, 16), Tensors(cached, Preprocessing.ImageNet with { CropFraction = 1 }, 16));
    }

    [Theory]
    [InlineData(3)] // format
    [InlineData(20)] // place of the index
    [InlineData(-1)] // index
    [InlineData(0)] // cut off
    public void A_damaged_file_is_said_and_made_anew(int at)
    {
        var source = Photos();
        ImageCache.Open(source, cache.Root, 16);
        var path = Assert.Single(Directory.GetFiles(cache.Root));
        var bytes = File.ReadAllBytes(path);
        bytes[at < 0 ? bytes.Length + at : at] ^= 1;
        File.Delete(path);
        File.WriteAllBytes(path, at == 0 ? bytes[..^9] : bytes);
        Assert.Contains(ImageCache.Open(source, cache.Root, 16).Notes, note => note.Contains("the old one is damaged or of another version", StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_pixels_are_decoded_from_their_file_and_said()
    {
        var source = Photos();
        ImageCache.Open(source, cache.Root, 16);
        var path = Assert.Single(Directory.GetFiles(cache.Root));
        var bytes = File.ReadAllBytes(path);
        bytes[40] ^= 1;
        File.Delete(path);
        File.WriteAllBytes(path, bytes);
        var cached = ImageCache.Open(source, cache.Root, 16);
        Assert.DoesNotContain(cached.Notes, note => note.Contains("damaged", StringComparison.Ordinal));
        var preprocessing = Preprocessing.ImageNet with { CropFraction = 1 };
        Assert.Equal(Tensors(source, preprocessing, 16), Tensors(cached, preprocessing, 16));
        Assert.Contains(cached.Notes, note => note.Contains("are damaged (their checksum does not fit)", StringComparison.Ordinal));
    }

    [Fact]
    public void An_unreadable_image_is_left_out_as_without_the_cache()
    {
        Photos();
        files.Write("photos/b/3.jpg", "I am a text"u8.ToArray());
        var source = ImageSources.Open(Path.Combine(files.Root, "photos"));
        var (skipped, other) = (new SkippedImages(), new SkippedImages());
        var expected = Tensors(source, Preprocessing.ImageNet, 16, skipped);
        Assert.Equal(expected, Tensors(ImageCache.Open(source, cache.Root, Preprocessing.ImageNet.ResizeTo(16)), Preprocessing.ImageNet, 16, other));
        Assert.Equal(skipped.Items, other.Items);
    }

    [Fact]
    public void A_stop_leaves_nothing_and_images_that_are_no_files_are_refused()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => ImageCache.Open(Photos(), cache.Root, cancellation: stop.Token));
        Assert.Empty(Directory.GetFiles(cache.Root));
        var error = Assert.Throws<SpectralKDException>(() => ImageCache.Open(Textures.Create(4, 16), cache.Root));
        Assert.StartsWith("textures needs no image cache", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_real_photo_is_the_same_from_the_cache()
    {
        var source = ImageSources.Open(SharedData.OrSkip("data", "imagenet-sample"), count: 6);
        foreach (var preprocessing in new[] { Preprocessing.ImageNet, Preprocessing.ImageNet with { CropFraction = 1 } })
        {
            var cached = ImageCache.Open(source, cache.Root, preprocessing.ResizeTo(224));
            Assert.Equal(Tensors(source, preprocessing, 224), Tensors(cached, preprocessing, 224));
        }
    }

    private IImageSource Photos() => ImageSources.Open(Photos("photos"));

    private string Photos(string folder)
    {
        files.Write($"{folder}/a/0.jpg", ImageFiles.Jpeg(300, 260, seed: 1));
        files.Write($"{folder}/a/1.jpg", ImageFiles.Jpeg(61, 83, seed: 2));
        files.Write($"{folder}/b/0.png", ImageFiles.Png(40, 40, seed: 3));
        files.Write($"{folder}/b/1.png", ImageFiles.Png(33, 501, seed: 4));
        files.Write($"{folder}/b/2.png", ImageFiles.Png(50, 40, seed: 5));
        return Path.Combine(files.Root, folder);
    }

    private static List<float[]> Tensors(IImageSource source, Preprocessing preprocessing, int size, SkippedImages? skipped = null) =>
        [.. ImageBatches.Read(source, preprocessing, size, new BatchOptions { BatchSize = 2, Workers = 3 }, skipped).Select(batch =>
        {
            using (batch)
            {
                return batch.Images.data<float>().ToArray();
            }
        })];

    private static List<float[]> Batches(ImageTrainingData data) => [.. data.Train(1, 2, 0).Concat(data.Validation(2)).Select(batch =>
    {
        using (batch)
        {
            return batch.Images.data<float>().ToArray();
        }
    })];
}
