namespace SpectralKD.Tests.Data;

public sealed class RealPhotosTests
{
    [Fact]
    public void All_sample_photos_become_finite_batches_of_sane_brightness()
    {
        var source = ImageSources.Open(SharedData.OrSkip("data", "imagenet-sample"));
        var skipped = new SkippedImages();
        var (seen, sum) = (0, 0.0);
        foreach (var batch in ImageBatches.Read(source, Preprocessing.ImageNet, 64, new BatchOptions { BatchSize = 50, Workers = 2 }, skipped))
        {
            using (batch)
            {
                seen += batch.Count;
                sum += batch.Images.data<float>().ToArray().Sum(value => float.IsFinite(value) ? value : 1e9);
            }
        }

        Assert.Equal((source.Count, 0), (seen, skipped.Count));
        Assert.InRange(sum / (seen * 3 * 64 * 64), -0.3, 0.3); // normalised by the mean of such photos
    }

    [Fact]
    public void A_photo_cut_off_anywhere_is_refused()
    {
        var photos = Directory.GetFiles(SharedData.OrSkip("data", "imagenet-sample"), "*.*", SearchOption.AllDirectories).Order().Take(12);
        foreach (var path in photos)
        {
            var whole = File.ReadAllBytes(path);
            foreach (var share in new[] { 0.02, 0.2, 0.5, 0.8, 0.98 })
            {
                Assert.Throws<SpectralKDException>(() => ImageDecoder.Decode(whole[..(int)(share * whole.Length)], Path.GetFileName(path)));
            }
        }
    }
}
