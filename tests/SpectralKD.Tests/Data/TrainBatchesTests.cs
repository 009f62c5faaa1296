namespace SpectralKD.Tests.Data;

public sealed class TrainBatchesTests : IDisposable
{
    private readonly ImageFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData("none")]
    [InlineData("crop-flip")]
    [InlineData("deit")]
    public void Batches_are_the_same_whatever_the_number_of_workers(string preset)
    {
        var source = Textures.Create(count: 30, size: 40);
        var options = new TrainBatchOptions { BatchSize = 8, Workers = 1, Seed = 3, Augmentation = Augmentation.Parse(preset) };
        var one = Collect(source, 2, options);
        var many = Collect(source, 2, options with { Workers = 6 });
        Assert.Equal(3, one.Count);
        Assert.Equal(options.BatchesPerEpoch(30), one.Count);
        Assert.All(one.Zip(many), pair => Assert.Equal(pair.First.Values, pair.Second.Values));
        Assert.All(one.Zip(many), pair => Assert.Equal(pair.First.Labels, pair.Second.Labels));
    }

    [Fact]
    public void Resuming_in_the_middle_gives_the_rest_of_the_epoch()
    {
        var source = Textures.Create(count: 30, size: 40);
        var options = new TrainBatchOptions { BatchSize = 4, Augmentation = Augmentation.DeiT };
        var whole = Collect(source, 1, options);
        var rest = Collect(source, 1, options with { FirstBatch = 5 });
        Assert.Equal(whole.Skip(5).Select(batch => batch.Values), rest.Select(batch => batch.Values));
    }

    [Fact]
    public void Epochs_differ_and_each_visits_every_image()
    {
        var source = Textures.Create(count: 24, size: 16);
        var options = new TrainBatchOptions { BatchSize = 8 };
        var (first, second) = (Collect(source, 0, options), Collect(source, 1, options));
        Assert.Equal(Enumerable.Range(0, 24), first.SelectMany(batch => batch.Indices).Order());
        Assert.NotEqual(first.SelectMany(batch => batch.Indices), second.SelectMany(batch => batch.Indices));
        Assert.All(first, batch => Assert.Equal(batch.Labels, batch.Indices.Select(index => (long)source.Label(index))));
    }

    [Fact]
    public void A_repeated_image_is_varied_each_time()
    {
        var source = Textures.Create(count: 6, size: 40);
        var options = new TrainBatchOptions { BatchSize = 3, Augmentation = Augmentation.CropFlip with { Repeats = 3 } };
        var batch = Collect(source, 0, options)[0];
        Assert.Single(batch.Indices.Distinct());
        var images = batch.Values.Chunk(batch.Values.Length / 3).ToArray();
        Assert.NotEqual(images[0], images[1]);
        Assert.NotEqual(images[1], images[2]);
    }

    [Fact]
    public void An_unreadable_image_is_replaced_and_named()
    {
        for (var i = 0; i < 7; i++)
        {
            files.Write($"a/{i}.png", ImageFiles.Png(20, 20, i));
        }

        files.Write("a/7.png", "text"u8.ToArray());
        var skipped = new SkippedImages();
        var batches = Collect(ImageSources.Open(files.Root), 0, new TrainBatchOptions { BatchSize = 4 }, skipped);
        Assert.Equal([0, 0, 1, 2, 3, 4, 5, 6], batches.SelectMany(batch => batch.Indices).Order()); // 0 stands in for 7
        Assert.Equal("a/7.png", skipped.Items.Single().Name);
    }

    [Fact]
    public void Too_few_images_for_a_batch_are_refused()
    {
        var error = Assert.Throws<SpectralKDException>(
            () => TrainBatches.Read(Textures.Create(count: 10, size: 16), Preprocessing.ImageNet, 16, 0, new TrainBatchOptions { BatchSize = 11 }));
        Assert.Contains("fewer than one batch of 11", error.Message, StringComparison.Ordinal);
    }

    private static List<(float[] Values, long[] Labels, int[] Indices)> Collect(
        IImageSource source, int epoch, TrainBatchOptions options, SkippedImages? skipped = null)
    {
        var result = new List<(float[], long[], int[])>();
        foreach (var batch in TrainBatches.Read(source, Preprocessing.ImageNet, 36, epoch, options, skipped))
        {
            using (batch)
            {
                result.Add((batch.Images.data<float>().ToArray(), batch.Labels, batch.Indices));
            }
        }

        return result;
    }
}
