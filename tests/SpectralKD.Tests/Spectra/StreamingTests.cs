using CsCheck;
using TorchSharp;

namespace SpectralKD.Tests.Spectra;

public class StreamingTests
{
    private static readonly ActivationRange Range = new(-1.7, 2.3);

    [Fact]
    public void Figures_do_not_depend_on_the_batches()
    {
        using var map = TestSpectra.Map(23);
        var whole = TestSpectra.Analyse(map, entropyRange: Range);

        Gen.Int[1, 9].Array[0, 6].Sample(
            sizes => TestSpectra.AssertClose(whole, TestSpectra.Analyse(map, SpectralDomain.Both, Range, sizes)), iter: 40, threads: 1);
    }

    [Fact]
    public void Merging_any_split_gives_the_whole()
    {
        using var map = TestSpectra.Map(17);
        var whole = TestSpectra.Analyse(map, entropyRange: Range);

        Gen.Int[0, 4].Array[17].Sample(
            parts => TestSpectra.AssertClose(whole, ModelSpectrum.Merge(Parts(map, parts), checkRecords: false)), iter: 40, threads: 1);
    }

    [Fact]
    public void Parseval_holds_for_any_size()
        => Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 5]).Sample(
            (height, width, channels) =>
            {
                using var map = TestSpectra.Map(3, channels, height, width);
                var energy = map.to(float64).square().sum().item<double>() / (3 * channels);
                var power = TestSpectra.Analyse(map).Blocks[0].TotalPower!.Value;
                Assert.Equal(energy, power, 1e-10 * energy);
            },
            iter: 40,
            threads: 1);

    [Fact]
    public void Shifting_the_image_or_the_channels_in_a_circle_changes_nothing()
        => Gen.Select(Gen.Int[0, 6], Gen.Int[0, 6], Gen.Int[0, 6]).Sample(
            (down, right, along) =>
            {
                using var map = TestSpectra.Map(3, 7, 6, 5);
                using var moved = map.roll([down, right], [2, 3]);
                using var turned = map.roll(along, 1);
                TestSpectra.AssertClose(TestSpectra.Analyse(map), TestSpectra.Analyse(moved), 1e-12);
                TestSpectra.AssertClose(TestSpectra.Analyse(map), TestSpectra.Analyse(turned), 1e-12);
            },
            iter: 30,
            threads: 1);

    [Theory]
    [InlineData(ScalarType.Float64, 1e-6)]
    [InlineData(ScalarType.BFloat16, 1e-2)]
    [InlineData(ScalarType.Float16, 1e-3)]
    public void Maps_of_other_precisions_have_nearly_the_same_figures(ScalarType type, double tolerance)
    {
        using var map = TestSpectra.Map(4);
        using var other = map.to(type);

        Assert.Equal(TestSpectra.Analyse(map).Blocks[0].Intensity!.Value, TestSpectra.Analyse(other).Blocks[0].Intensity!.Value, tolerance);
    }

    [Fact]
    public void A_map_that_torch_has_turned_around_in_memory_has_the_same_figures()
    {
        using var map = TestSpectra.Map(3, 6, 5, 4);
        using var channelsLast = map.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

        TestSpectra.AssertClose(TestSpectra.Analyse(map, entropyRange: Range), TestSpectra.Analyse(channelsLast, entropyRange: Range));
    }

    [Fact]
    public void The_deviation_over_images_is_that_of_their_own_intensities()
    {
        using var map = TestSpectra.Map(5);
        var single = Enumerable.Range(0, 5).Select(i => TestSpectra.Analyse(map.narrow(0, i, 1)).Blocks[0].Intensity!.Value).ToList();
        var deviation = Math.Sqrt(single.Sum(value => Math.Pow(value - single.Average(), 2)) / 4);
        var block = TestSpectra.Analyse(map).Blocks[0];

        Assert.Equal(deviation, block.IntensityDeviation!.Value, 1e-9);
        Assert.Equal(5, block.Spatial!.Intensities.Bins.Values.Sum());
        Assert.All(single, value => Assert.True(block.Spatial.Intensities.Bins.ContainsKey(ImageIntensities.BinOf(value))));
    }

    [Fact]
    public void Analysing_leaves_no_tensor_behind()
    {
        using var map = TestSpectra.Map(40);
        TestSpectra.Analyse(map, entropyRange: Range);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        TestSpectra.Analyse(map, SpectralDomain.Both, Range, 7, 7);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_map_with_nan_or_infinity_names_block_and_image(float poison)
    {
        using var map = TestSpectra.Map(4);
        map[2, 1, 0, 3] = poison;
        var accumulator = new SpectrumAccumulator("model", [new BlockInfo(7, "blocks.7", 6, 5, 4)], SpectralDomain.Spatial);
        string[] names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"];

        var error = Assert.Throws<SpectralKDException>(() => accumulator.Add([new FeatureMap(7, map)], index => names[index]));

        Assert.Contains("blocks.7", error.Message, StringComparison.Ordinal);
        Assert.Contains("c.jpg", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nan_is_found_in_the_channel_domain_and_the_entropy_too()
    {
        using var map = TestSpectra.Map(2);
        map[1, 0, 0, 0] = float.NaN;

        Assert.Throws<SpectralKDException>(() => TestSpectra.Analyse(map, SpectralDomain.Channel));
        Assert.Throws<SpectralKDException>(() => TestSpectra.Analyse(map, SpectralDomain.None, Range));
    }

    [Fact]
    public void No_images_no_blocks_and_changing_shapes_are_errors_in_words()
    {
        var block = new BlockInfo(0, "blocks.0", 6, 5, 4);
        Assert.Contains("no images", Assert.Throws<SpectralKDException>(() => new SpectrumAccumulator("m", [block]).ToSpectrum("an empty folder")).Message, StringComparison.Ordinal);
        Assert.Throws<SpectralKDException>(() => new SpectrumAccumulator("m", []));
        var accumulator = new SpectrumAccumulator("m", [block]);
        using var one = TestSpectra.Map(2);
        using var two = TestSpectra.Map(2, 6, 4, 4);
        accumulator.Add([new FeatureMap(0, one)]);
        Assert.Contains("[6, 5, 4] to [6, 4, 4]", Assert.Throws<SpectralKDException>(() => accumulator.Add([new FeatureMap(0, two)])).Message, StringComparison.Ordinal);
        Assert.Contains("block 0 is missing", Assert.Throws<SpectralKDException>(() => accumulator.Add([])).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<ModelSpectrum> Parts(Tensor map, int[] parts)
    {
        for (var part = 0; part < 5; part++)
        {
            var rows = parts.Select((p, i) => (p, i)).Where(x => x.p == part).Select(x => (long)x.i).ToArray();
            if (rows.Length > 0)
            {
                using var index = tensor(rows);
                using var images = map.index_select(0, index);
                yield return TestSpectra.Analyse(images, entropyRange: Range);
            }
        }
    }
}
