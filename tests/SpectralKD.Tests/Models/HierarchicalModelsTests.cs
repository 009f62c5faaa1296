namespace SpectralKD.Tests.Models;

/// <summary>PVT v2, Twins, BEiT, Swin v2, Hiera and CrossFormer: their names, sizes and rules.</summary>
public sealed class HierarchicalModelsTests
{
    // timm's tables: parameters of results/results-imagenet.csv; 10^9 multiply-adds of results/benchmark-infer-amp-nchw-pt210-cu121-rtx3090.csv (0 where it has none),
    // as fvcore counts them, which cannot see into fused attention and counts norms too.
    [Theory]
    [InlineData("pvt_v2_b0", 3.67, 0.53)]
    [InlineData("pvt_v2_b1", 14.01, 2.04)]
    [InlineData("pvt_v2_b2", 25.36, 3.9)]
    [InlineData("pvt_v2_b2_li", 22.55, 3.77)]
    [InlineData("pvt_v2_b3", 45.24, 6.71)]
    [InlineData("pvt_v2_b4", 62.56, 9.83)]
    [InlineData("pvt_v2_b5", 81.96, 11.39)]
    [InlineData("twins_pcpvt_small", 24.11, 3.68)]
    [InlineData("twins_pcpvt_base", 43.83, 6.46)]
    [InlineData("twins_pcpvt_large", 60.99, 9.53)]
    [InlineData("twins_svt_small", 24.06, 2.82)]
    [InlineData("twins_svt_base", 56.07, 8.36)]
    [InlineData("twins_svt_large", 99.27, 14.84)]
    public void Parameters_and_cost_agree_with_timms_tables(string name, double millions, double billions)
    {
        var entry = ModelCatalog.Find(name);

        Assert.Equal(millions, entry.Parameters / 1e6, 0.005);
        if (billions > 0)
        {
            Assert.Equal(billions, (entry.Figures.MultiplyAdds - FusedAttention(entry.Spec)) / 1e9, 0.015 * billions);
        }
    }

    [Theory]
    [InlineData("pvt_v2_b0", 3_666_760)]
    [InlineData("pvt_v2_b1", 14_009_000)]
    [InlineData("pvt_v2_b2", 25_362_856)]
    [InlineData("pvt_v2_b2_li", 22_553_512)]
    [InlineData("pvt_v2_b5", 81_956_008)]
    [InlineData("twins_svt_small", 24_060_776)]
    [InlineData("twins_pcpvt_small", 24_106_216)]
    public void Parameters_are_those_of_the_published_models(string name, long parameters) =>
        Assert.Equal(parameters, ModelCatalog.Find(name).Parameters);

    [Fact]
    public void Each_published_name_of_these_families_is_in_the_list_above()
    {
        var listed = typeof(HierarchicalModelsTests).GetMethod(nameof(Parameters_and_cost_agree_with_timms_tables))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>().Select(row => (string)row.Data[0]!);

        Assert.Equal(HierarchicalModels.All.Select(entry => entry.Name).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("pvt_v2_b0", "PVT v2", "stages.0 32x56 stages.1 64x28 stages.2 160x14 stages.3 256x7")]
    [InlineData("twins_svt_small", "Twins", "blocks.0 64x56 blocks.1 128x28 blocks.2 256x14 blocks.3 512x7")]
    public void Stages_have_the_names_and_shapes_of_timm(string name, string family, string blocks)
    {
        var entry = ModelCatalog.Find(name);

        Assert.Equal(family, entry.Family);
        Assert.Equal(blocks, string.Join(' ', entry.Blocks.Select(block => $"{block.Name} {block.Channels}x{block.Height}")));
    }

    [Theory]
    [InlineData("pvt_v2_nano_32", 16, "makes one key of 4x4 patches in stage 0, whose map is 4x4: ", false)]
    [InlineData("pvt_v2_nano_32", 12, "makes one key of 4x4 patches in stage 0, whose map is 3x3: use a larger image size", true)]
    [InlineData("twins_pcpvt_nano_patch2_32", 36, "joins 2x2 patches 2 times, which 18x18 patches do not allow: use an image size that is a multiple of 8", true)]
    public void Image_sizes_that_do_not_fit_are_refused_before_anything_is_built(string name, int size, string words, bool refused)
    {
        var spec = ModelCatalog.Find(name).Spec with { ImageSize = size };

        if (refused)
        {
            Assert.Contains(words, Assert.Throws<SpectralKDException>(() => spec.Count()).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(spec.ListBlocks().Count, spec.Count().Blocks.Count);
        }
    }

    [Fact]
    public void A_pyramid_takes_odd_grids_and_leaves_out_patches_that_make_no_whole_key()
    {
        using var model = ModelCatalog.Create("pvt_v2_nano_64", imageSize: 52); // 13x13, 7x7, 4x4
        using var images = TorchSharp.torch.zeros(1, 3, 52, 52);
        using var output = model.ForwardIntermediates(images, null);

        Assert.Equal([13, 7, 4], output.Maps.Select(map => map.Values.shape[2]));
        Assert.Equal([13, 7, 4], model.Blocks.Select(block => block.Height));
    }

    [Fact]
    public void Initial_values_of_pyramids_are_those_of_timm()
    {
        var spec = ModelCatalog.Find("pvt_v2_b0").Spec;

        Assert.Equal(new(InitialDistribution.Normal, Math.Sqrt(2.0 / (49 * 32))), spec.InitialOf("patch_embed.proj.weight", [32, 3, 7, 7]));
        Assert.Equal(new(InitialDistribution.Constant, 0), spec.InitialOf("patch_embed.proj.bias", [32]));
        Assert.Equal(new(InitialDistribution.Normal, Math.Sqrt(2.0 / 9)), spec.InitialOf("stages.0.blocks.0.mlp.dwconv.weight", [256, 1, 3, 3]));
        Assert.Equal(new(InitialDistribution.Normal, 0.02), spec.InitialOf("stages.0.blocks.0.attn.q.weight", [32, 32]));
        Assert.Equal(new(InitialDistribution.Constant, 1), spec.InitialOf("stages.0.norm.weight", [32]));
        Assert.Equal(new(InitialDistribution.Normal, Math.Sqrt(2.0 / (16 * 64))), ModelCatalog.Find("twins_svt_small").Spec.InitialOf("patch_embeds.0.proj.weight", [64, 3, 4, 4]));
    }

    // The two matrix products of attention where it is fused.
    private static double FusedAttention(ModelSpec spec) => spec switch
    {
        PvtV2Spec pvt => pvt.Stages.Sum(stage => 2.0 * stage.Depth * stage.Rows * stage.Columns * stage.Reduction.Keys(stage.Rows, stage.Columns) * stage.Dim),
        TwinsSpec twins => twins.Stages.Sum(stage => Enumerable.Range(0, stage.Depth).Sum(i =>
            2.0 * stage.Rows * stage.Columns * stage.Dim * (stage.WindowOf(i) is { } window ? window * window : stage.Reduction.Keys(stage.Rows, stage.Columns)))),
        _ => 0,
    };
}
