using System.Text.Json;
using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Spectra;

[Collection(TorchGenerator.Name)]
public sealed class ModelSimilarityTests
{
    public static TheoryData<int> Cases => [0, 1];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Figures_of_pairs_of_maps_agree_with_numpy(int number)
    {
        var (golden, x, y) = Maps(number);
        using var scope = NewDisposeScope();
        var (tokensX, tokensY) = (Tokens(x), Tokens(y));

        Close(golden, "cka_tokens", FeatureSimilarity.Cka(tokensX, tokensY));
        Close(golden, "cka_images", FeatureSimilarity.Cka(x.flatten(1), y.flatten(1)));
        var procrustes = FeatureSimilarity.Procrustes(tokensX, tokensY);
        var (sizeX, sizeY) = (FeatureSimilarity.Squares(FeatureSimilarity.Centred(tokensX)), FeatureSimilarity.Squares(FeatureSimilarity.Centred(tokensY)));
        var nuclear = (2 - procrustes) / 2 * Math.Sqrt(sizeX * sizeY);
        Close(golden, "procrustes", "distance2_frobenius_normalised", procrustes);
        Close(golden, "procrustes", "nuclear_norm", nuclear);
        Close(golden, "procrustes", "distance2_unnormalised", sizeX + sizeY - (2 * nuclear));
        var fit = golden.GetProperty("linear_fit_y_from_x");
        Close(golden, "linear_fit_y_from_x", "r2", new RidgeRegression(tokensX, 0).R2(tokensY));
        Close(golden, "linear_fit_y_from_x", "r2_ridge", new RidgeRegression(tokensX, fit.GetProperty("ridge_lambda").GetDouble()).R2(tokensY));
        Close(golden, "linear_fit_x_from_y_r2", new RidgeRegression(tokensY, 0).R2(tokensX));
        var angles = FeatureSimilarity.Angles(FeatureSimilarity.Basis(tokensX, 3), FeatureSimilarity.Basis(tokensY, 3));
        Assert.All(golden.GetProperty("token_subspaces_top3").GetProperty("angles_radians").EnumerateArray().Zip(angles), pair => Assert.Equal(pair.First.GetDouble(), pair.Second, 1e-7));
        Close(golden, "token_subspaces_top3", "geodesic", FeatureSimilarity.Grassmann(angles));
        Close(golden, "token_subspaces_top3", "chordal", Math.Sqrt(angles.Sum(angle => Math.Pow(Math.Sin(angle), 2))));
        Close(golden, "token_subspaces_top3", "mean_cos2", angles.Average(angle => Math.Pow(Math.Cos(angle), 2)));
        var channels = new RidgeRegression(tokensX, 0);
        Close(golden, "linear_fit_y_from_x", "r2_mean_of_channels", Enumerable.Range(0, (int)tokensY.shape[1]).Average(channel => channels.R2(tokensY.narrow(1, channel, 1))));
        if (golden.TryGetProperty("channel_subspaces_top3", out var subspaces))
        {
            var widths = FeatureSimilarity.Angles(Right(tokensX), Right(tokensY));
            Assert.All(subspaces.GetProperty("angles_radians").EnumerateArray().Zip(widths), pair => Assert.Equal(pair.First.GetDouble(), pair.Second, 1e-7));
            Close(golden, "channel_subspaces_top3", "chordal", Math.Sqrt(widths.Sum(angle => Math.Pow(Math.Sin(angle), 2))));
        }

        static Tensor Right(Tensor tokens) => linalg.svd(FeatureSimilarity.Centred(tokens), fullMatrices: false).Vh.narrow(0, 0, 3).t();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unbiased_CKA_sums_over_batches_before_the_ratio_as_numpy_does(int number)
    {
        var (golden, x, y) = Maps(number);
        using var scope = NewDisposeScope();
        var size = golden.GetProperty("minibatch_cka_images").GetProperty("batch").GetInt32();
        var (images, one, tokens) = (new HsicSums(1, 1), new HsicSums(1, 1), new HsicSums(1, 1));
        for (var first = 0; first < x.shape[0]; first += size)
        {
            images.Add(first / size, [x.narrow(0, first, size).flatten(1)], [y.narrow(0, first, size).flatten(1)]);
        }

        one.Add(0, [x.flatten(1)], [y.flatten(1)]);
        for (var image = 0; image < x.shape[0]; image++)
        {
            tokens.Add(image, [x[image].flatten(1).t()], [y[image].flatten(1).t()]);
        }

        foreach (var (group, sums) in new[] { ("minibatch_cka_images", images), ("minibatch_cka_tokens_each_image_a_batch", tokens) })
        {
            Close(golden, group, "hsic_xy", sums.Means(0, 0).Both);
            Close(golden, group, "hsic_xx", sums.Means(0, 0).One);
            Close(golden, group, "hsic_yy", sums.Means(0, 0).Two);
        }

        Close(golden, "minibatch_cka_images", "batches", images.Batches);
        Close(golden, "minibatch_cka_images", "value", images.Cka(0, 0)!.Value);
        Close(golden, "unbiased_cka_images_one_batch", one.Cka(0, 0)!.Value);
        Close(golden, "minibatch_cka_tokens_each_image_a_batch", "value", tokens.Cka(0, 0)!.Value);
    }

    [Fact]
    public void A_model_is_nearest_to_itself_block_by_block()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var same = ModelSimilarity.Run(model, model, Textures.Create(24, 64), new SimilarityOptions { BatchSize = 8 });

        Assert.Equal((24, 144, 10), (same.Images, same.Pairs.Length, same.Directions));
        Assert.All(Enumerable.Range(0, 12).Select(block => same.Pair(block, block)), pair =>
        {
            Assert.Equal(1, pair.Cka!.Value, 1e-9);
            Assert.Equal(1, pair.TokenCka!.Value, 1e-9);
            Assert.Equal(0, pair.Procrustes!.Value, 1e-9);
            Assert.Equal(0, pair.Grassmann!.Value, 1e-6);
            Assert.True(pair.R2 > 0.97, $"{pair.R2}");
        });
        Assert.Equal(same.Pair(2, 9).Cka!.Value, same.Pair(9, 2).Cka!.Value, 1e-9);
        Assert.Empty(same.Notes);
        Assert.Contains("there is no pair of deit_nano_patch8_64's block 12", Assert.Throws<SpectralKDException>(() => same.Pair(12, 0)).Message);
    }

    [Fact]
    public void Models_of_other_grids_and_sizes_are_compared_by_images_alone_and_that_is_said()
    {
        using var teacher = ModelLoader.Load("cait_nano_patch8_64");
        using var student = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:1", ImageSize = 24 });
        var both = ModelSimilarity.Run(teacher, student, Textures.Create(9, 64), new SimilarityOptions { BatchSize = 4 });

        Assert.Equal("deit_nano_patch4_32 (UNTRAINED)", both.Student);
        Assert.All(both.Pairs, pair => Assert.True(pair is { Cka: not null, TokenCka: null, R2: null, Procrustes: null, Grassmann: null }));
        Assert.Equal(["1 images were too few for a batch of the CKA between images, which needs 4; they count in the other figures",
            "288 of 288 pairs have maps of different sizes (or too few tokens), so only the CKA between images compares them"], both.Notes);
        Assert.Equal(288, both.ToDataFrame().Rows.Count);
    }

    [Fact]
    public void Tokens_kept_do_not_grow_with_the_images()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var few = ModelSimilarity.Run(model, model, Textures.Create(40, 64), new SimilarityOptions { Tokens = 16, Directions = 3 });

        Assert.Equal(3, few.Directions);
        Assert.All(few.TeacherRanks, rank => Assert.InRange(rank.Effective, 1, 16));
    }

    [Theory]
    [InlineData(3, 2048, 10, 0.01, "the batch of an unbiased CKA has at least 4 images, but is 3")]
    [InlineData(8, 15, 10, 0.01, "at least 16 tokens are compared, but 15 were asked for")]
    [InlineData(8, 2048, 0, 0.01, "at least one direction is compared, but 0 were asked for")]
    [InlineData(8, 2048, 10, 0.0, "the ridge is a number above 0, but is 0")]
    public void What_cannot_be_compared_is_said(int batch, int tokens, int directions, double ridge, string expected)
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64");
        var options = new SimilarityOptions { BatchSize = batch, Tokens = tokens, Directions = directions, Ridge = ridge };
        Assert.Equal(expected, Assert.Throws<SpectralKDException>(() => ModelSimilarity.Run(model, model, Textures.Create(8, 64), options)).Message);
    }

    [Theory]
    [InlineData(1, 4, false)]
    [InlineData(2, 4, false)]
    [InlineData(3, 5, false)]
    [InlineData(5, 4, true)]
    public void Any_split_merges_in_any_order_to_the_bytes_of_one_run(int count, int batch, bool torn)
    {
        using var teacher = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:1" });
        using var student = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:2" });
        IImageSource images = torn ? new Torn(Textures.Create(22, 32), [2, 3, 9]) : Textures.Create(22, 32);
        var options = new SimilarityOptions { BatchSize = batch, Tokens = 16, Directions = 3 };
        using var folder = new TemporaryFolder();
        var one = Saved(ModelSimilarity.Run(teacher, student, images, options));
        List<ModelSimilarity> parts = [.. Enumerable.Range(1, count).Select(part => ModelSimilarity.Run(teacher, student, images, options with { Shard = new DataShard(part, count) }))];
        parts.ForEach(part => Assert.Equal(count > 1, part.Notes.Any(note => note.StartsWith("these figures are of a part of the images; missing: ", StringComparison.Ordinal))));

        for (var seed = 0; seed < 3; seed++)
        {
            var order = parts.ToArray();
            new CounterRandom(seed).Shuffle(order.AsSpan());
            var loaded = order.Select(part => Reloaded(part)).ToArray();
            var nested = loaded.Length < 3 ? ModelSimilarity.Merge(loaded) : ModelSimilarity.Merge([ModelSimilarity.Merge(loaded[..2]), .. loaded[2..]]);
            Assert.Equal(one, Saved(nested));
        }

        (string Table, string Notes, string Bytes) Saved(ModelSimilarity similarity)
        {
            var path = folder.File("similarity.safetensors");
            similarity.Save(path);
            similarity.ToDataFrame().SaveTable(folder.File("similarity.csv"));
            return (File.ReadAllText(folder.File("similarity.csv")), string.Join('\n', similarity.Notes), Convert.ToHexString(File.ReadAllBytes(path)));
        }

        ModelSimilarity Reloaded(ModelSimilarity part)
        {
            var path = folder.File("part.safetensors");
            part.Save(path);
            return ModelSimilarity.Load(path);
        }
    }

    [Fact]
    public void Parts_that_do_not_fit_are_refused_in_one_line_and_missing_ones_named()
    {
        using var model = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:1" });
        using var other = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:2" });
        ModelSimilarity Part(string shard, VisionModel student, int images = 12, int directions = 3) => ModelSimilarity.Run(
            model, student, Textures.Create(images, 32), new SimilarityOptions { BatchSize = 4, Tokens = 16, Directions = directions, Shard = DataShard.Parse(shard) });
        var first = Part("1/3", model);
        string Refused(params ModelSimilarity[] parts) => Assert.Throws<SpectralKDException>(() => ModelSimilarity.Merge(parts)).Message;

        Assert.Equal("part 1/3 of the similarity was given twice: give each part once", Refused(first, first));
        Assert.StartsWith("similarities of different weights of the student (", Refused(first, Part("2/3", other)));
        Assert.StartsWith("similarities of different lists of images (textures, 12 images, ", Refused(first, Part("2/3", model, images: 16)));
        Assert.Equal("similarities of different numbers of directions (3; 4) do not merge: make the parts alike", Refused(first, Part("2/3", model, directions: 4)));
        Assert.Equal("similarities of different numbers of parts (3; 2) do not merge: make the parts alike", Refused(first, Part("2/2", model)));
        Assert.Equal("textures has 12 images in batches of 4, so part 4/4 has none: make fewer parts", Assert.Throws<SpectralKDException>(() => Part("4/4", model)).Message);
        Assert.Equal("there is no similarity to merge: give at least one", Refused());
        Assert.Contains("was put together by hand", Refused(first with { Sums = null }));
        Assert.Equal("these figures are of a part of the images; missing: 2/3", ModelSimilarity.Merge([Part("3/3", model), first]).Notes[0]);

        using var folder = new TemporaryFolder();
        first.Save(folder.File("part.safetensors"));
        Assert.Contains("its format is spectralkd.similarity/1", Assert.Throws<SpectralKDException>(() => SpectralReport.Load(folder.File("part.safetensors"))).Message);
        var bytes = File.ReadAllText(folder.File("part.safetensors"), System.Text.Encoding.Latin1);
        File.WriteAllText(folder.File("part.safetensors"), bytes.Replace("\"of\":3,\"parts\":[1]", "\"of\":3,\"parts\":[2]", StringComparison.Ordinal), System.Text.Encoding.Latin1);
        Assert.EndsWith("are not those of its parts; make the similarity again", Assert.Throws<SpectralKDException>(() => ModelSimilarity.Load(folder.File("part.safetensors"))).Message);
    }

    private sealed class Torn(IImageSource whole, int[] torn) : IImageSource
    {
        public string Name => whole.Name;

        public int Count => whole.Count;

        public IReadOnlyList<string> Classes => whole.Classes;

        public int Label(int index) => whole.Label(index);

        public string ItemName(int index) => whole.ItemName(index);

        public RgbImage Read(int index) => torn.Contains(index) ? throw new SpectralKDException($"image {index} is torn") : whole.Read(index);
    }

    private static (JsonElement Golden, Tensor X, Tensor Y) Maps(int number)
    {
        LibTorch.EnsureLoaded();
        var golden = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("figures2", "pairs.json"))).RootElement.GetProperty("cases")[number];
        var (file, name) = (SharedData.Golden("figures2", "pairs.safetensors"), golden.GetProperty("name").GetString());
        return (golden, GoldenMaps.Read(file, $"{name}.x").to(float64), GoldenMaps.Read(file, $"{name}.y").to(float64));
    }

    private static Tensor Tokens(Tensor map) => map.permute(0, 2, 3, 1).reshape(-1, map.shape[1]); // (B*H*W, C)

    private static void Close(JsonElement golden, string name, double actual) => GoldenFigures.Close(name, golden.GetProperty(name).GetDouble(), actual, 1e-8);

    private static void Close(JsonElement golden, string group, string name, double actual) => Close(golden.GetProperty(group), name, actual);
}
