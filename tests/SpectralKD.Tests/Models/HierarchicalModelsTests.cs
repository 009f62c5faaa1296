using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>PVT v2, Twins, BEiT, Swin v2, Hiera and CrossFormer: their names, sizes and rules.</summary>
public sealed class HierarchicalModelsTests
{
    // CrossFormer's are what the authors' code counts. timm's tables: parameters of results/results-imagenet.csv; 10^9 multiply-adds of results/benchmark-infer-amp-nchw-pt210-cu121-rtx3090.csv (0 where it has none),
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
    [InlineData("beit_base_patch16_224", 86.53, 16.87)]
    [InlineData("beit_base_patch16_384", 86.74, 49.4)]
    [InlineData("beit_large_patch16_224", 304.43, 59.7)]
    [InlineData("beit_large_patch16_384", 305.0, 174.84)]
    [InlineData("beit_large_patch16_512", 305.67, 310.6)]
    [InlineData("beitv2_base_patch16_224", 86.53, 16.87)]
    [InlineData("beitv2_large_patch16_224", 304.43, 59.7)]
    [InlineData("swinv2_tiny_window8_256", 28.35, 5.96)]
    [InlineData("swinv2_tiny_window16_256", 28.35, 6.68)]
    [InlineData("swinv2_small_window8_256", 49.73, 11.58)]
    [InlineData("swinv2_small_window16_256", 49.73, 12.82)]
    [InlineData("swinv2_base_window8_256", 87.92, 20.37)]
    [InlineData("swinv2_base_window16_256", 87.92, 22.02)]
    [InlineData("swinv2_base_window12_192", 109.28, 11.9)]
    [InlineData("swinv2_base_window12to16_192to256", 87.92, 22.02)]
    [InlineData("swinv2_base_window12to24_192to384", 87.92, 55.25)]
    [InlineData("swinv2_large_window12_192", 228.77, 0)]
    [InlineData("swinv2_large_window12to16_192to256", 196.74, 0)]
    [InlineData("swinv2_large_window12to24_192to384", 196.74, 0)]
    [InlineData("hiera_tiny_224", 27.91, 0)]
    [InlineData("hiera_small_224", 35.01, 0)]
    [InlineData("hiera_base_224", 51.52, 0)]
    [InlineData("hiera_base_plus_224", 69.90, 0)]
    [InlineData("hiera_large_224", 213.74, 0)]
    [InlineData("hiera_huge_224", 672.78, 0)]
    [InlineData("hiera_small_abswin_256", 34.36, 0)]
    [InlineData("crossformer_tiny_patch4_group7_224", 27.78, 2.86)]
    [InlineData("crossformer_small_patch4_group7_224", 30.66, 4.91)]
    [InlineData("crossformer_base_patch4_group7_224", 51.97, 9.17)]
    [InlineData("crossformer_large_patch4_group7_224", 91.97, 16.12)]
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
    [InlineData("pvt_v2_b3", 45_238_696)]
    [InlineData("pvt_v2_b4", 62_556_072)]
    [InlineData("twins_pcpvt_base", 43_828_456)]
    [InlineData("twins_pcpvt_large", 60_989_672)]
    [InlineData("twins_svt_base", 56_070_952)]
    [InlineData("twins_svt_large", 99_271_400)]
    [InlineData("beit_base_patch16_224", 86_530_984)]
    [InlineData("beit_base_patch16_384", 86_744_104)]
    [InlineData("beit_large_patch16_224", 304_430_568)]
    [InlineData("crossformer_tiny_patch4_group7_224", 27_776_794)]
    [InlineData("crossformer_small_patch4_group7_224", 30_657_394)]
    [InlineData("crossformer_base_patch4_group7_224", 51_971_554)]
    [InlineData("crossformer_large_patch4_group7_224", 91_971_184)]
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
    [InlineData("swinv2_tiny_window8_256", "Swin v2", "layers.0 96x64 layers.1 192x32 layers.2 384x16 layers.3 768x8")]
    [InlineData("hiera_tiny_224", "Hiera", "blocks.0 96x56 blocks.2 192x28 blocks.9 384x14 blocks.11 768x7")]
    [InlineData("crossformer_tiny_patch4_group7_224", "CrossFormer", "layers.0 64x56 layers.1 128x28 layers.2 256x14 layers.3 512x7")]
    public void Stages_have_the_names_and_shapes_of_timm(string name, string family, string blocks)
    {
        var entry = ModelCatalog.Find(name);

        Assert.Equal(family, entry.Family);
        Assert.Equal(blocks, string.Join(' ', entry.Blocks.Select(block => $"{block.Name} {block.Channels}x{block.Height}")));
    }

    [Theory]
    [InlineData("pvt_v2_nano_32", 16, "makes one key of 4x4 patches in stage 0, whose map is 4x4: ", false)]
    [InlineData("pvt_v2_nano_32", 12, "makes one key of 4x4 patches in stage 0, whose map is 3x3: use a larger image size", true)]
    [InlineData("swinv2_tiny_window8_256", 224, "cannot shift windows of 8x8 in stage 1, whose map is 28x28", true)]
    [InlineData("swinv2_tiny_window8_256", 512, "", false)]
    [InlineData("swinv2_nano_patch2_window4_32", 8, "has a map of 1x1 patches in stage 2, too small for a window: use a larger image size or fewer stages", true)]
    [InlineData("hiera_tiny_224", 240, "use an image size that is a multiple of 32", true)]
    [InlineData("crossformer_tiny_patch4_group7_224", 240, "use an image size that is a multiple of 32", true)]
    [InlineData("crossformer_tiny_patch4_group7_224", 256, "", false)]
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
        using var images = zeros(1, 3, 52, 52);
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

    [Fact]
    public void Initial_values_of_the_others_are_those_of_their_authors()
    {
        var (beit, swin, hiera, abswin, cross) = (Of("beit_base_patch16_224"), Of("swinv2_tiny_window8_256"), Of("hiera_tiny_224"), Of("hiera_small_abswin_256"), Of("crossformer_tiny_patch4_group7_224"));

        Assert.Equal(new(InitialDistribution.Constant, 0), beit.InitialOf("blocks.0.attn.relative_position_bias_table", [732, 12]));
        Assert.Equal(new(InitialDistribution.Constant, 0), beit.InitialOf("blocks.0.attn.q_bias", [768]));
        Assert.Equal(new(InitialDistribution.Constant, 0.1), beit.InitialOf("blocks.0.gamma_1", [768]));
        Assert.Equal(new(InitialDistribution.Normal, 0.02 / Math.Sqrt(8)), beit.InitialOf("blocks.3.mlp.fc2.weight", [768, 3072]));
        Assert.Equal(new(InitialDistribution.Constant, 0), swin.InitialOf("layers.1.blocks.0.norm2.weight", [192]));
        Assert.Equal(new(InitialDistribution.Constant, 1), swin.InitialOf("layers.1.downsample.norm.weight", [192]));
        Assert.Equal(new(InitialDistribution.Constant, Math.Log(10)), swin.InitialOf("layers.1.blocks.0.attn.logit_scale", [6, 1, 1]));
        Assert.Equal(new(InitialDistribution.Constant, 0.02), hiera.InitialOf("blocks.0.attn.qkv.bias", [288]));
        Assert.Equal(new(InitialDistribution.Constant, 0), hiera.InitialOf("blocks.0.norm1.bias", [96]));
        Assert.Equal(new(InitialDistribution.Constant, 0), hiera.InitialOf("head.fc.weight", [1000, 768]));
        Assert.Equal(new(InitialDistribution.Uniform, Math.Sqrt(6.0 / (96 + 288))), abswin.InitialOf("blocks.0.attn.qkv.weight", [288, 96]));
        Assert.Equal(new(InitialDistribution.Normal, 1e-6), abswin.InitialOf("blocks.0.mlp.fc1.bias", [384]));
        Assert.Equal(InitialDistribution.TruncatedNormal, abswin.InitialOf("patch_embed.proj.weight", [96, 3, 7, 7]).Distribution);
        Assert.Equal(new(InitialDistribution.Uniform, 1 / Math.Sqrt(3 * 16 * 16)), cross.InitialOf("patch_embed.projs.2.bias", [8]));
        Assert.Equal(new(InitialDistribution.Uniform, 1 / Math.Sqrt(128 * 4 * 4)), cross.InitialOf("layers.1.downsample.reductions.1.weight", [128, 128, 4, 4]));
    }

    [Fact]
    public void Values_of_a_truncated_normal_keep_within_two_deviations()
    {
        var values = new float[20_000];
        TimmInitialization.Fill(values, Of("hiera_small_abswin_256"), "patch_embed.proj.weight", [20_000, 1, 1, 1], seed: 1);
        var deviation = Math.Sqrt(1.0 / (3 * 7 * 7));

        Assert.InRange(values.Max(), 1.99 * deviation / 0.8796, 2 * deviation / 0.8796);
        Assert.Equal(deviation, Math.Sqrt(values.Average(value => (double)value * value)), 0.02 * deviation); // what the cut takes away is made up for
    }

    [Fact]
    public void Hiera_gives_every_block_where_that_is_asked_for()
    {
        var golden = new GoldenModel("hiera");
        using var scope = NewDisposeScope();
        using var model = ModelCatalog.Create((HieraSpec)golden.Spec with { EveryBlock = true }, seed: null);
        GoldenModel.Load(model);
        using var guard = no_grad();
        var expected = golden.Expected;

        using var output = model.ForwardIntermediates(golden.Input(), null);

        Assert.Equal(["blocks.0", "blocks.1", "blocks.2", "blocks.3"], model.Blocks.Select(block => block.Name));
        Assert.Equal(4, output.Maps.Count);
        Assert.All(output.Maps, map => Assert.True((expected[$"fine.block.{map.Block}"] - map.Values).abs().max().ToDouble() <= golden.MapTolerance));
        Assert.Equal(golden.Spec.Count().Parameters, model.Spec.Count().Parameters);
        Assert.Equal(golden.Spec.Count().MultiplyAdds, model.Spec.Count().MultiplyAdds);
    }

    [Theory]
    [InlineData("swinv2")]
    [InlineData("crossformer")]
    public void Constants_of_windows_and_groups_are_the_buffers_of_the_authors(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        var buffers = golden.Expected.Where(entry => entry.Key.StartsWith("buffer.", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(buffers);
        foreach (var (key, expected) in buffers)
        {
            var parts = key.Split('.');
            var (stage, block) = (int.Parse(parts[2]), int.Parse(parts[4]));
            var constant = (model, parts[^1]) switch
            {
                (SwinV2 swin, "attn_mask") => swin.Stages[stage].Blocks[block].Attention.Mask,
                (SwinV2 swin, "relative_coords_table") => swin.Stages[stage].Blocks[block].Attention.OffsetTable,
                (SwinV2 swin, _) => swin.Stages[stage].Blocks[block].Attention.Index,
                (CrossFormer cross, "biases") => cross.Stages[stage].Blocks[block].Attention.OffsetTable,
                (CrossFormer cross, _) => cross.Stages[stage].Blocks[block].Attention.Index,
                _ => null,
            };
            Assert.NotNull(constant);
            Assert.True(constant.At(CPU, expected.dtype).view(expected.shape).allclose(expected, 0, 1e-6), key);
        }
    }

    [Fact]
    public void Weights_of_beit_load_at_another_image_size_as_timm_loads_them()
    {
        using var scope = NewDisposeScope();
        var golden = new GoldenModel("beit");
        using var small = golden.Create();
        using var large = ModelCatalog.Create(golden.Spec with { ImageSize = 96 }, seed: null);
        large.eval();
        using var guard = no_grad();
        foreach (var (key, parameter) in large.named_parameters())
        {
            parameter.copy_(large.FitCheckpointTensor(key, small.state_dict()[key]));
        }

        var expected = GoldenTensors.Read(SharedData.Golden("resize2", "resize.safetensors"));
        var input = tensor(GoldenValues.Generate("input", 2 * 3 * 96 * 96, 4), [2, 3, 96, 96]);
        var logits = expected.Single(entry => entry.Key.StartsWith("end.", StringComparison.Ordinal) && entry.Key.Contains("beit") && entry.Key.EndsWith("logits", StringComparison.Ordinal));

        Assert.InRange((large.forward(input) - logits.Value).abs().max().ToDouble(), 0, 3e-5);
    }

    [Theory]
    [MemberData(nameof(VisionModelTests.Nano), MemberType = typeof(VisionModelTests))]
    public void Every_family_takes_rectangles(string name)
    {
        using var model = ModelCatalog.Create(ModelCatalog.Find(name).Spec with { ImageSize = new ImageSize(64, 96) });
        using var images = zeros(1, 3, 64, 96);
        using var output = model.ForwardIntermediates(images, null);

        Assert.Equal(model.Blocks.Select(block => new long[] { 1, block.Channels, block.Height, block.Width }), output.Maps.Select(map => map.Values.shape));
        Assert.All(model.Blocks, block => Assert.Equal(2 * block.Width, 3 * block.Height));
        Assert.Equal(model.parameters().Sum(parameter => parameter.NumberOfElements), model.Spec.Count().Parameters);
    }

    [Fact]
    public void The_window_of_swin_v2_is_chosen_without_a_change_to_its_weights()
    {
        var spec = (SwinV2Spec)Of("swinv2_tiny_window8_256").WithWindow(16);

        Assert.Equal(16, spec.WindowSize);
        Assert.Equal(Of("swinv2_tiny_window8_256").Count().Parameters, spec.Count().Parameters);
    }

    private static ModelSpec Of(string name) => ModelCatalog.Find(name).Spec;

    // The two matrix products of attention where it is fused.
    private static double FusedAttention(ModelSpec spec) => spec switch
    {
        PvtV2Spec pvt => pvt.Stages.Sum(stage => 2.0 * stage.Depth * stage.Rows * stage.Columns * stage.Reduction.Keys(stage.Rows, stage.Columns) * stage.Dim),
        TwinsSpec twins => twins.Stages.Sum(stage => Enumerable.Range(0, stage.Depth).Sum(i =>
            2.0 * stage.Rows * stage.Columns * stage.Dim * (stage.WindowOf(i) is { } window ? window * window : stage.Reduction.Keys(stage.Rows, stage.Columns)))),
        BeitSpec beit => 2.0 * beit.Depth * Math.Pow((beit.GridHeight * beit.GridWidth) + 1, 2) * beit.EmbedDim,
        _ => 0,
    };
}
