using System.Text.Json;
using CsCheck;
using SpectralKD.Tests.Weights;
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
        golden.Scalar("park_kim", "last", figures.LogAmplitude!.Value[^1]);
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
            Close(group, Mean(golden.At(group, "rank")), ranks.Rank, 1e-12);
            golden.Scalar(group, "rank_percentile99", ranks.RankPercentile99);
            Close(group, Mean(golden.At(group, "first_component_share")), ranks.FirstShare, 1e-8);
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
            var tally = new DimensionTally(ImageRanks.Parts.Length, (int)map.shape[1]);
            var captured = golden.At(group, "captured_at").EnumerateArray().ToDictionary(d => d.GetInt32(), _ => new List<double>());
            for (var image = 0; image < map.shape[0]; image++)
            {
                var tokens = map[image].to(float64).flatten(1).t();
                var energies = ReportPass.Energies(centred ? tokens - mean : tokens, basis);
                int[] required = [.. ImageRanks.Parts.Select(part => RankFigures.ComponentsFor(energies, part))];
                Assert.Equal(golden.At(group, "required_d_per_image")[image].EnumerateArray().Select(d => d.GetInt32()), required);
                tally.Add(required);
                captured.ToList().ForEach(at => at.Value.Add(RankFigures.Captured(energies, at.Key)));
            }

            golden.List(group, "required_mean", tally.Mean);
            golden.List(group, "required_std_population", tally.Deviation);
            golden.List(group, "required_percentile99", tally.Percentile99);
            var rows = golden.At(group, "captured_median_p10_p1").EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetDouble()).ToArray());
            foreach (var (row, shares) in rows.Zip(captured.Values))
            {
                foreach (var (expected, quantile) in row.Zip([0.5, 0.1, 0.01]))
                {
                    Close(group, expected, Quantile(shares, quantile), 1e-8);
                }
            }
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
        golden.List("sep", "normalised", sep.Dimensions.Select(d => d / (double)sep.Curve.Length));
        golden.List("sep", "thresholds_percent", SepFigures.Parts.Select(part => 100 * part));
        golden.Scalar("sep", "folded_bins", sep.FoldedCurve.Length);
        golden.List("sep", "folded_dimension", sep.FoldedDimensions.Select(d => (double)d));
        golden.List("sep", "folded_curve_first4", sep.FoldedCurve.Take(4).Select(share => 100 * share), 1e-7);
        golden.Scalar("sep", "std_population_at_half", 100 * sep.DeviationAtHalf, 1e-7);
        double[][] each = [.. golden.At("sep", "dimension_of_each_image_curve").EnumerateArray().Select(row => row.EnumerateArray().Select(d => d.GetDouble()).ToArray())];
        foreach (var (part, i) in SepFigures.Parts.Select((part, i) => (part, i)))
        {
            double[] dimensions = [.. each.Select(row => row[i])];
            Close("sep, image", dimensions.Average(), sep.ImageMean[i], 1e-12);
            Close("sep, image", Math.Sqrt(dimensions.Average(d => Math.Pow(d - dimensions.Average(), 2))), sep.ImageDeviation[i], 1e-12);
            Close("sep, image", Quantile(dimensions, 0.99), sep.ImagePercentile99[i], 1e-12);
        }
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
    public void Reports_of_any_split_come_back_from_files_and_merge_in_any_order_to_the_bytes_of_one_run()
    {
        using var folder = new TemporaryFolder();
        using var model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);
        var images = Textures.Create(5, 32);
        var options = new SpectralOptions { BatchSize = 1, Layers = [0, 11], PerImage = true };
        var whole = SpectralReport.Run(model, images, options);
        var parts = Enumerable.Range(1, 5).Select(i => Again(SpectralReport.Run(model, images, options with { Shard = new DataShard(i, 5) }))).ToList();
        var merged = SpectralReport.Merge(parts);

        Assert.True(whole.IsComplete);
        Assert.Equal(whole.ToDataFrame().ToCsv(), Again(merged.AddSecondPass(model, images, options: options)).ToDataFrame().ToCsv());
        Assert.Contains("is the size of the activations", whole.Words, StringComparison.Ordinal);
        Assert.Equal((2, 40), (whole.ToDataFrame().Rows.Count, whole.ToDataFrame().Columns.Count));
        Assert.False(merged.IsComplete);
        Assert.Null(merged.Blocks[0].ActivationEntropy);
        parts = [.. parts.Select(part => Again(part.AddSecondPass(model, images, merged, options)))];
        Gen.Select(Gen.Int[0, 2].Array[5], Gen.Shuffle(Enumerable.Range(0, 5).ToArray())).Sample(
            (groups, order) =>
            {
                var sum = SpectralReport.Merge(order.GroupBy(i => groups[i]).Select(group => SpectralReport.Merge(group.Select(i => parts[i]))));
                Assert.Equal(Figures(whole), Figures(sum));
            },
            iter: 6,
            threads: 1);
        Assert.False(SpectralReport.Merge([parts[0], SpectralReport.Run(model, images, options with { Shard = new DataShard(2, 5) })]).IsComplete);

        using var other = ModelCatalog.Create("deit_nano_patch4_32", seed: 2);
        Assert.Contains("the report is of another analysis: its weights is", Assert.Throws<SpectralKDException>(() => parts[0].AddSecondPass(other, images, merged)).Message);
        var bytes = File.ReadAllBytes(folder.File("part"));
        File.WriteAllBytes(folder.File("part"), [.. bytes.Select((value, i) => i < bytes.Length - 400 ? value : (byte)255)]);
        Assert.Contains($"the JSON in {folder.File("part")} is not a spectrum", Assert.Throws<SpectralKDException>(() => SpectralReport.Load(folder.File("part"))).Message);
        File.WriteAllBytes(folder.File("part"), [.. bytes.Select((value, i) => i < bytes.Length / 2 ? value : value == 1 ? (byte)2 : value)]);
        Assert.Contains("is damaged: ", Assert.Throws<SpectralKDException>(() => SpectralReport.Load(folder.File("part"))).Message);

        SpectralReport Again(SpectralReport report)
        {
            report.Save(folder.File("part"));
            return SpectralReport.Load(folder.File("part"));
        }

        static string Figures(SpectralReport report)
            => report.Spectrum.UShape.Words + report.ToDataFrame().ToCsv() + (report.Spectrum with { Parts = [] }).ToJson() + Bytes(report.Blocks);
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

    private static double Quantile(IEnumerable<double> values, double part)
    {
        var sorted = values.Order().ToArray();
        var place = part * (sorted.Length - 1);
        return sorted[(int)place] + ((place - (int)place) * (sorted[Math.Min((int)place + 1, sorted.Length - 1)] - sorted[(int)place]));
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
