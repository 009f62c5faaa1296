namespace SpectralKD.Tests.Data;

public sealed class ImageBatchesTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Batches_are_the_same_whatever_the_number_of_workers()
    {
        var source = Textures.Create(count: 23, size: 20);
        var one = Collect(ImageBatches.Read(source, Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 5, Workers = 1 }));
        var many = Collect(ImageBatches.Read(source, Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 5, Workers = 7 }));

        Assert.Equal([5, 5, 5, 5, 3], one.Select(batch => batch.Labels.Length));
        Assert.Equal(Enumerable.Range(0, 23), one.SelectMany(batch => batch.Indices));
        Assert.Equal(one.SelectMany(batch => batch.Labels), one.SelectMany(batch => batch.Indices).Select(i => (long)source.Label(i)));
        Assert.All(one.Zip(many), pair => Assert.Equal(pair.First.Values, pair.Second.Values));
    }

    [Fact]
    public void A_batch_holds_what_the_transform_gives_for_each_image()
    {
        var source = Textures.Create(count: 3, size: 20);
        var transform = new EvalTransform(Preprocessing.ImageNet, 16);
        using var batch = ImageBatches.Read(source, Preprocessing.ImageNet, 16).Single();
        Assert.Equal([3, 3, 16, 16], batch.Images.shape);
        var expected = new float[transform.Length];
        transform.Apply(source.Read(2), expected);
        Assert.Equal(expected, batch.Images.data<float>().ToArray().AsSpan(2 * transform.Length).ToArray());
    }

    [Fact]
    public void Unreadable_files_are_left_out_counted_and_named()
    {
        files.Write("a/0.png", ImageFiles.Png(seed: 1));
        files.Write("a/1.jpg", "I am a text"u8.ToArray());
        files.Write("a/2.jpg", ImageFiles.Jpeg(200, 150)[..3000]);
        files.Write("b/3.png", ImageFiles.Png(seed: 2));
        var skipped = new SkippedImages();

        var batches = Collect(ImageBatches.Read(
            ImageSources.Open(files.Root), Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 2 }, skipped));

        Assert.Equal([0, 3], batches.Single().Indices);
        Assert.Equal([0L, 1L], batches.Single().Labels);
        Assert.Equal(["a/1.jpg", "a/2.jpg"], skipped.Items.Select(item => item.Name));
        Assert.StartsWith("2 of 4 images could not be read and were skipped:", skipped.Summary(4), StringComparison.Ordinal);
        Assert.Contains("it holds text", skipped.Summary(4), StringComparison.Ordinal);
        Assert.Contains("a/2.jpg is truncated", skipped.Summary(4), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_report_names_twenty_and_counts_the_rest()
    {
        var skipped = new SkippedImages();
        for (var i = 0; i < 33; i++)
        {
            skipped.Add(new SkippedImage(i, $"{i}.jpg", $"The image {i}.jpg is broken."));
        }

        Assert.Equal(22, skipped.Summary(99).Split('\n').Length);
        Assert.EndsWith("… and 13 more", skipped.Summary(99), StringComparison.Ordinal);
        Assert.Equal("", new SkippedImages().Summary(5));
    }

    [Fact]
    public void If_no_image_can_be_read_that_is_an_error()
    {
        files.Write("a/1.jpg", "I am a text"u8.ToArray());
        var error = Assert.Throws<SpectralKDException>(
            () => ImageBatches.Read(ImageSources.Open(files.Root), Preprocessing.ImageNet, 16).Count());
        Assert.Contains("none of the 1 images", error.Message, StringComparison.Ordinal);
        Assert.Contains("a/1.jpg", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_are_disjoint_and_together_everything()
    {
        var source = Textures.Create(count: 11, size: 8);
        var parts = Enumerable.Range(1, 3).Select(n => Collect(ImageBatches.Read(
            source, Preprocessing.ImageNet, 8, new BatchOptions { Shard = new DataShard(n, 3) })).SelectMany(b => b.Indices).ToArray());
        Assert.Equal(Enumerable.Range(0, 11), parts.SelectMany(part => part).Order());
        Assert.Equal(new DataShard(2, 4), DataShard.Parse("2/4"));
        Assert.All(new[] { "0/4", "5/4", "1", "a/b", "1/0" }, text => Assert.Throws<SpectralKDException>(() => DataShard.Parse(text)));
    }

    [Fact]
    public void Stopping_early_ends_the_workers_and_leaves_no_tensor()
    {
        var source = new CountingSource(Textures.Create(count: 500, size: 16));
        using (var scope = TorchSharp.torch.NewDisposeScope())
        {
            foreach (var batch in ImageBatches.Read(source, Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 4, Workers = 3 }))
            {
                batch.Dispose();
                break;
            }

            Assert.Equal(0, scope.DisposablesCount);
        }

        var read = source.Reads;
        Thread.Sleep(50);
        Assert.Equal(read, source.Reads);
        Assert.InRange(read, 4, 60);
    }

    [Fact]
    public void Reading_ahead_stays_within_its_bound()
    {
        var source = new CountingSource(Textures.Create(count: 300, size: 8));
        using var batches = ImageBatches.Read(source, Preprocessing.ImageNet, 8, new BatchOptions { BatchSize = 4, Workers = 4 }).GetEnumerator();
        Assert.True(batches.MoveNext());
        batches.Current.Dispose();
        Thread.Sleep(100);
        Assert.InRange(source.Reads, 4, 4 + 8 + 2);
    }

    [Fact]
    public void Cancelling_stops_the_reading()
    {
        using var cancel = new CancellationTokenSource();
        var batches = ImageBatches.Read(
            Textures.Create(count: 500, size: 16), Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 4 }, cancellation: cancel.Token);
        var seen = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var batch in batches)
            {
                batch.Dispose();
                seen++;
                cancel.Cancel();
            }
        });
        Assert.Equal(1, seen);
    }

    [Fact]
    public void A_fault_that_is_not_the_images_comes_out()
    {
        var source = new CountingSource(Textures.Create(count: 10, size: 16)) { FailAt = 3 };
        Assert.Throws<InvalidOperationException>(() => ImageBatches.Read(source, Preprocessing.ImageNet, 16).Count());
    }

    [Fact]
    public void Wrong_options_are_refused_before_anything_is_read()
    {
        var source = Textures.Create(count: 10, size: 16);
        Assert.Throws<SpectralKDException>(() => ImageBatches.Read(source, Preprocessing.ImageNet, 16, new BatchOptions { BatchSize = 0 }));
        Assert.Throws<SpectralKDException>(() => ImageBatches.Read(source, Preprocessing.ImageNet, 16, new BatchOptions { Indices = [10] }));
    }

    private static List<(float[] Values, long[] Labels, int[] Indices)> Collect(IEnumerable<ImageBatch> batches)
    {
        var result = new List<(float[], long[], int[])>();
        foreach (var batch in batches)
        {
            using (batch)
            {
                result.Add((batch.Images.data<float>().ToArray(), batch.Labels, batch.Indices));
            }
        }

        return result;
    }

    private sealed class CountingSource(IImageSource source) : IImageSource
    {
        private int reads;

        public int Reads => reads;

        public int FailAt { get; init; } = -1;

        public string Name => source.Name;

        public int Count => source.Count;

        public IReadOnlyList<string> Classes => source.Classes;

        public int Label(int index) => source.Label(index);

        public string ItemName(int index) => source.ItemName(index);

        public RgbImage Read(int index)
        {
            Interlocked.Increment(ref reads);
            return index == FailAt ? throw new InvalidOperationException("fault") : source.Read(index);
        }
    }
}
