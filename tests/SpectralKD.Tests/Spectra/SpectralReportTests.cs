using System.Text.Json;
using CsCheck;
using static SpectralKD.Tests.Spectra.GoldenFigures;

namespace SpectralKD.Tests.Spectra;

public class SpectralReportTests
{
    public static TheoryData<int> AllCases => [.. Enumerable.Range(0, Cases)];

    [Theory]
    [MemberData(nameof(AllCases))]
    public void Flatness_participation_and_log_amplitude_agree_with_numpy(int number)
    {
        var golden = Case(number);
        var figures = Figures(golden);

        golden.Scalar("amplitude", "flatness_amplitudes_all", figures.AmplitudeFlatness);
        golden.Scalar("amplitude", "flatness_channel_power", figures.ChannelFlatness);
        golden.Scalar("amplitude", "token_channel_participation_mean", figures.TokenParticipation);
        golden.List("park_kim", "delta_log_amplitude", figures.LogAmplitude!);
    }

    [Theory]
    [MemberData(nameof(AllCases))]
    public void Dimensions_of_images_agree_with_numpy(int number)
    {
        var golden = Case(number);
        var figures = Figures(golden);

        foreach (var (group, ranks) in new[] { ("svd_per_image", figures.Ranks), ("svd_per_image_centred", figures.RanksCentred) })
        {
            golden.List(group, "mean", ranks.Mean);
            golden.List(group, "std_population", ranks.Deviation);
            golden.List(group, "percentile99", ranks.Percentile99);
            Close(group, Mean(golden.At(group, "effective_rank")), ranks.EffectiveRank, 1e-8);
            Close(group, Mean(golden.At(group, "rankme")), ranks.RankMe, 1e-8);
        }
    }

    [Theory]
    [MemberData(nameof(AllCases))]
    public void Dimensions_of_the_data_set_agree_with_numpy(int number)
    {
        var golden = Case(number);
        using var scope = NewDisposeScope();
        var (sums, map) = (Sums(golden), golden.Map());
        foreach (var (group, centred) in new[] { ("dataset_pca", false), ("dataset_pca_centred", true) })
        {
            var ranks = centred ? Figures(golden).DataSetCentred : Figures(golden).DataSet;
            golden.List(group, "eigenvalues_first8", ranks.Eigenvalues.Take(8));
            golden.List(group, "global_d", ranks.Components.Select(d => (double)d));
            golden.Scalar(group, "participation_ratio", ranks.ParticipationRatio);
            golden.Scalar(group, "stable_rank", ranks.StableRank);
            golden.Scalar(group, "effective_rank_singular", ranks.EffectiveRank);
            golden.Scalar(group, "rankme", ranks.RankMe);

            var (basis, mean) = sums.SharedBasis(centred);
            var tally = new RankTally((int)map.shape[1]);
            for (var image = 0; image < map.shape[0]; image++)
            {
                var tokens = map[image].to(float64).flatten(1).t();
                tally.AddEnergies(ReportPass.Energies(centred ? tokens - mean : tokens, basis));
            }

            var shared = tally.ToRanks(ofImages: false);
            golden.List(group, "required_mean", shared.Mean);
            golden.List(group, "required_std_population", shared.Deviation);
            golden.List(group, "required_percentile99", shared.Percentile99);
        }
    }

    [Theory]
    [MemberData(nameof(AllCases))]
    public void The_energy_profile_agrees_with_numpy(int number)
    {
        var golden = Case(number);
        var sep = Figures(golden).Sep;

        golden.List("sep", "dimension", sep.Dimensions.Select(d => (double)d));
        golden.List("sep", "mean_curve_first4", sep.Curve.Take(4).Select(share => 100 * share), 1e-7);
        golden.List("sep", "mean_curve_last4", sep.Curve.TakeLast(4).Select(share => 100 * share), 1e-7);
    }

    [Fact]
    public void The_null_of_the_energy_profile_is_the_mean_over_all_orders_of_the_channels()
    {
        using var map = TestSpectra.Map(2, 4, 2, 2);
        var orders = (from a in Enumerable.Range(0, 4)
                      from b in Enumerable.Range(0, 4)
                      from c in Enumerable.Range(0, 4)
                      from d in Enumerable.Range(0, 4)
                      let order = new[] { a, b, c, d }
                      where order.Distinct().Count() == 4
                      select order.Select(i => (long)i).ToArray()).ToList();
        using var scope = NewDisposeScope();
        var curves = orders.Select(order => Figures(map.index_select(1, tensor(order))).Sep.Curve).ToList();

        Assert.Equal(24, orders.Count);
        Assert.All(Figures(map).Sep.NullCurve.Select((value, i) => (value, i)), at => Assert.Equal(curves.Average(curve => curve[at.i]), at.value, 1e-12));
    }

    [Fact]
    public void Merging_any_split_gives_the_same_bytes_as_one_run()
    {
        using var map = TestSpectra.Map(9);
        var whole = Json(Sums(map, Enumerable.Range(0, 9)), map);

        Gen.Int[0, 2].Array[9].Sample(
            parts =>
            {
                var merged = new BlockFigureSums(0, 6, 5, 4);
                foreach (var part in Enumerable.Range(0, 9).GroupBy(image => parts[image]))
                {
                    merged.Add(Sums(map, part.Reverse()));
                }

                Assert.Equal(whole, Json(merged, map));
            },
            iter: 25,
            threads: 1);
    }

    [Fact]
    public void Outliers_are_counted_by_length_and_by_size()
    {
        using var scope = NewDisposeScope();
        var map = TestSpectra.Map(2, 8, 4, 4).clone();
        map.narrow(0, 1, 1).narrow(2, 2, 1).narrow(3, 3, 1).mul_(tensor(50f)); // one token
        var calm = map.clone();
        map[0, 5, 1, 1] = tensor(5000f);
        var outliers = Figures(map).Outliers;

        Assert.Equal(1 / 32.0, Figures(calm).Outliers.TokenShare, 1e-12);
        Assert.Equal(2 / 32.0, outliers.TokenShare, 1e-12);
        Assert.Equal(0.5, outliers.MassiveActivations);
        Assert.Equal(5000, outliers.LargestActivation);
    }

    [Fact]
    public void Nulls_take_away_what_they_say()
    {
        using var scope = NewDisposeScope();
        var smooth = GoldenMaps.Generate("nulls", "smoothed", [12, 24, 8, 8]);
        var (scaled, figures) = (Figures(smooth * 3), Figures(smooth));

        Assert.Equal(figures.Nulls.NormalizedSpatial, scaled.Nulls.NormalizedSpatial, 1e-4);
        Assert.Equal(3 * figures.Nulls.PixelsPermuted, scaled.Nulls.PixelsPermuted, 1e-5);
        Assert.True(figures.Nulls.PixelsPermuted > 1.1 * figures.Spatial.Intensity);
        Assert.Equal(figures.Nulls.PixelsPermuted, figures.Nulls.GaussianSpatial, 0.05 * figures.Nulls.PixelsPermuted);
        Assert.Equal(figures.Channel.Intensity, figures.Nulls.GaussianChannel, 0.05 * figures.Channel.Intensity);
    }

    [Fact]
    public void Parts_of_a_source_merge_to_the_report_of_all_of_it()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        var images = Textures.Create(9, 32);
        var options = new SpectralOptions { BatchSize = 1, Layers = [0, 11] };
        var whole = SpectralReport.Run(model, images, options);
        var parts = Enumerable.Range(1, 2).Select(i => SpectralReport.Run(model, images, options with { Shard = new DataShard(i, 2) })).ToList();
        var merged = parts[0].Merge(parts[1]);

        Assert.Equal(9, merged.Spectrum.Images);
        foreach (var (one, two) in whole.Blocks.Zip(merged.Blocks))
        {
            Assert.Equal(Bytes(one.Ranks), Bytes(two.Ranks));
            Assert.Equal(Bytes(one.DataSet with { SharedBasis = null }), Bytes(two.DataSet));
            Assert.Equal(Bytes(one.Nulls), Bytes(two.Nulls));
            Assert.Equal(Bytes(one.Sep), Bytes(two.Sep));
            Assert.Equal(Bytes(one.Outliers), Bytes(two.Outliers));
            Assert.NotNull(one.DataSet.SharedBasis);
            Assert.NotNull(one.ActivationEntropy);
        }

        Assert.Contains("is the size of the activations", whole.Words, StringComparison.Ordinal);
        Assert.Equal((2, 31), (whole.ToDataFrame().Rows.Count, whole.ToDataFrame().Columns.Count));
    }

    [Fact]
    public void Exact_sums_do_not_depend_on_the_order_of_large_and_small_values()
        => Gen.Shuffle(new[] { 1e15, -1e15, 1e-9, -3e-17, 0.1, 1 / 3.0, -7e11, 2.5e3 }).Sample(
            values =>
            {
                var sums = new ExactSums(1);
                Array.ForEach(values, value => sums.Add(0, value));
                Assert.Equal(-699999997499.5667, sums[0], 1e-3);
                Assert.Equal(Sum([1e15, -1e15, 1e-9, -3e-17, 0.1, 1 / 3.0, -7e11, 2.5e3]), sums[0]);
            },
            iter: 50,
            threads: 1);

    private static double Sum(double[] values)
    {
        var sums = new ExactSums(1);
        Array.ForEach(values, value => sums.Add(0, value));
        return sums[0];
    }

    private static double Mean(JsonElement list) => list.EnumerateArray().Average(value => value.GetDouble());

    private static string Bytes<T>(T figures) => JsonSerializer.Serialize(figures, JsonOptions);

    private static readonly JsonSerializerOptions JsonOptions = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private static BlockFigureSums Sums(GoldenFigures golden)
    {
        using var map = golden.Map();
        return Sums(map, Enumerable.Range(0, (int)map.shape[0]));
    }

    private static BlockFigureSums Sums(Tensor map, IEnumerable<int> images)
    {
        var sums = new BlockFigureSums(0, (int)map.shape[1], (int)map.shape[2], (int)map.shape[3]);
        foreach (var image in images)
        {
            using var one = map[image];
            sums.Add(one, image);
        }

        return sums;
    }

    private static BlockReport Figures(GoldenFigures golden)
    {
        using var map = golden.Map();
        return Figures(map);
    }

    private static BlockReport Figures(Tensor map) => Figures(Sums(map, Enumerable.Range(0, (int)map.shape[0])), map);

    private static BlockReport Figures(BlockFigureSums sums, Tensor map)
    {
        var accumulator = new SpectrumAccumulator("maps", [new BlockInfo(0, "blocks.0", 0, 0, 0)], SpectralDomain.Both);
        accumulator.Add([new FeatureMap(0, map)]);
        var spectrum = accumulator.ToSpectrum("maps");
        var (spatial, channel) = (IntensityDecomposition.Of(spectrum), IntensityDecomposition.Of(spectrum, SpectralDomain.Channel));
        return sums.ToFigures(spectrum.Blocks[0], spatial.Blocks[0], channel.Blocks[0], null, null);
    }

    private static string Json(BlockFigureSums sums, Tensor map) => Bytes(Figures(sums, map));
}
