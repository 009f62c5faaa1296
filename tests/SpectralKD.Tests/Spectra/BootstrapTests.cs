using System.Text.Json.Nodes;
using CsCheck;

namespace SpectralKD.Tests.Spectra;

public class BootstrapTests
{
    [Fact]
    public void An_image_counts_once_on_average_with_a_variance_of_one()
    {
        var counts = Enumerable.Range(0, 500).SelectMany(place => Bootstrap.Counts(3, place)).Select(count => (double)count).ToList();

        Assert.Equal(1, counts.Average(), 0.01);
        Assert.Equal(1, counts.Average(count => (count - 1) * (count - 1)), 0.03);
        Assert.Equal(Math.Exp(-1), counts.Count(count => count == 0) / (double)counts.Count, 0.01);
        Assert.NotEqual(Bootstrap.Counts(3, 0), Bootstrap.Counts(4, 0));
        Assert.Equal(Bootstrap.Counts(3, 7), Bootstrap.Counts(3, 7));
    }

    [Fact]
    public void The_interval_of_a_mean_is_about_two_standard_errors_wide_on_both_sides()
    {
        const int images = 400;
        var random = new CounterRandom(5);
        double[] values = [.. Enumerable.Range(0, images).Select(_ => random.NextGaussian(10, 2))];
        var (sums, numbers) = (new long[Bootstrap.Resamples], new long[Bootstrap.Resamples]);
        for (var i = 0; i < images; i++)
        {
            var counts = Bootstrap.Counts(0, i);
            Assert.True(Bootstrap.TryAdd(sums, values[i], counts));
            numbers = [.. numbers.Zip(counts, (sum, count) => sum + count)];
        }

        var interval = Bootstrap.Percentiles(Bootstrap.Means([.. sums], [.. numbers]));
        Assert.Equal(values.Average() - (1.96 * 0.1), interval.Low, 0.03);
        Assert.Equal(values.Average() + (1.96 * 0.1), interval.High, 0.03);
    }

    [Fact]
    public void Parts_of_a_source_merge_to_the_same_resamples_as_one_run()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        var images = Textures.Create(11, 32);
        var options = new SpectralOptions { BatchSize = 1, Domain = SpectralDomain.Both, ActivationEntropy = false };
        var whole = SpectralAnalysis.Run(model, images, options);
        var merged = ModelSpectrum.Merge([.. Enumerable.Range(1, 3).Select(i => SpectralAnalysis.Run(model, images, options with { Shard = new DataShard(i, 3) }))]);

        Assert.Equal(whole.ResampledImages, merged.ResampledImages);
        Assert.Equal(whole.IntensityIntervals, merged.IntensityIntervals);
        Assert.Equal(whole.UShape.ScoreInterval, merged.UShape.ScoreInterval);
        Assert.All(whole.Blocks.Zip(merged.Blocks), pair => Assert.Equal(
            (pair.First.Spatial!.Intensities.Resampled!.Value.AsEnumerable(), pair.First.Channel!.Intensities.Resampled!.Value.AsEnumerable()),
            (pair.Second.Spatial!.Intensities.Resampled!.Value.AsEnumerable(), pair.Second.Channel!.Intensities.Resampled!.Value.AsEnumerable()),
            (one, two) => one.Item1.SequenceEqual(two.Item1) && one.Item2.SequenceEqual(two.Item2)));
    }

    [Fact]
    public void Resamples_do_not_depend_on_the_order_of_the_images()
    {
        using var map = TestSpectra.Map(9);
        var whole = Of(map, Enumerable.Range(0, 9));

        Gen.Shuffle(Enumerable.Range(0, 9).ToArray()).Sample(order => Assert.Equal(whole, Of(map, order)), iter: 20, threads: 1);
    }

    [Fact]
    public void The_verdict_says_the_interval_and_goes_by_it()
    {
        double[] curve = [1.3, 1, 1, 1.3];
        double[][] sure = [.. Enumerable.Range(0, 200).Select(i => new[] { 1.3 + (0.001 * (i - 100)), 1, 1, 1.3 })];
        double[][] unsure = [.. Enumerable.Range(0, 200).Select(i => new[] { 1.3 + (0.006 * (i - 100)), 1, 1, 1.3 })];

        Assert.Equal("clear U-shape (score 1.30, 95 % interval 1.25 to 1.35)", UShape.Of(curve, sure).Words);
        Assert.Equal(UShapeVerdict.Weak, UShape.Of(curve, unsure).Verdict);
    }

    [Fact]
    public void A_file_of_an_earlier_version_has_no_interval_and_is_read()
    {
        using var map = TestSpectra.Map(9);
        var spectrum = TestSpectra.Analyse(map);
        Assert.Equal(spectrum.IntensityIntervals, ModelSpectrum.FromJson(spectrum.ToJson()).IntensityIntervals);

        var json = JsonNode.Parse(spectrum.ToJson())!;
        json["spectrum"]!.AsObject().Remove("resampled_images");
        foreach (var domain in new[] { "spatial", "channel" })
        {
            json["spectrum"]!["blocks"]![0]![domain]!["intensities"]!.AsObject().Remove("resampled");
        }

        var old = ModelSpectrum.FromJson(json.ToJsonString());
        Assert.Null(old.IntensityIntervals);
        Assert.Null(old.Merge(spectrum, checkRecords: false).ResampledImages);
    }

    [Fact]
    public void Damaged_resamples_are_refused()
    {
        using var map = TestSpectra.Map(9);
        var json = JsonNode.Parse(TestSpectra.Analyse(map).ToJson())!;
        json["spectrum"]!["blocks"]![0]!["spatial"]!["intensities"]!["resampled"]!.AsArray().RemoveAt(0);

        Assert.Contains("200 resamples", Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(json.ToJsonString())).Message, StringComparison.Ordinal);
    }

    private static (string Images, string Sums) Of(Tensor map, IEnumerable<int> order)
    {
        var accumulator = new SpectrumAccumulator("model", [new BlockInfo(0, "blocks.0", 6, 5, 4)]);
        foreach (var image in order)
        {
            using var one = map.narrow(0, image, 1);
            accumulator.Add([new FeatureMap(0, one)], null, _ => Bootstrap.Counts(0, image));
        }

        var spectrum = accumulator.ToSpectrum("formula");
        return (string.Join(' ', spectrum.ResampledImages!), string.Join(' ', spectrum.Blocks[0].Spatial!.Intensities.Resampled!));
    }
}
