using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>Maps inside a block against what the block is made of.</summary>
public sealed class MapPointTests
{
    private static readonly VisionTransformerSpec Registers = new()
    {
        Name = "vit",
        ImageSize = new ImageSize(32, 24),
        PatchSize = 8,
        EmbedDim = 24,
        Depth = 3,
        Heads = 3,
        Classes = 5,
        LayerScale = 0.1,
        RegisterTokens = 2,
        ClassPosition = false,
    };

    public static TheoryData<string> Models => ["vit", "deit_nano_patch8_64", "cait_nano_patch8_64", "swin_nano_patch4_window4_64"];

    [Theory]
    [MemberData(nameof(Models))]
    public void The_stream_after_a_block_is_the_stream_between_its_branches_plus_the_mlp_and_that_is_the_stream_before_plus_the_attention(string name)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = Make(name);
        var images = randn([2, 3, model.Spec.ImageSize.Height, model.Spec.ImageSize.Width]);

        var maps = Enum.GetValues<MapPoint>().ToDictionary(at => at, at => model.ForwardIntermediates(images, null, at));

        Assert.All(maps.Values, output => Assert.Equal(model.Blocks.Count, output.Maps.Count));
        Assert.All(maps.Values, output => Near(maps[MapPoint.Resid].Logits, output.Logits));
        for (var i = 0; i < model.Blocks.Count; i++)
        {
            Near(At(MapPoint.Resid, i), At(MapPoint.Mid, i) + At(MapPoint.Mlp, i));
            Assert.True(At(MapPoint.Attn, i).abs().max().ToDouble() > 0);
            if (i > 0 && model is not Swin) // a stage begins with merging and has other blocks before its last
            {
                Near(At(MapPoint.Mid, i), At(MapPoint.Resid, i - 1) + At(MapPoint.Attn, i));
            }
        }

        Tensor At(MapPoint at, int block) => maps[at].Maps[block].Values;
    }

    [Fact]
    public void With_gradients_the_maps_are_the_same_and_carry_them()
    {
        using var scope = NewDisposeScope();
        using var model = Make("vit");
        var images = randn([2, 3, 32, 24]);
        using var recorded = model.ForwardIntermediates(images, [1], MapPoint.Attn);
        using (no_grad())
        {
            using var output = model.ForwardIntermediates(images, [1], MapPoint.Attn);
            Near(output.Maps[0].Values, recorded.Maps[0].Values);
        }

        recorded.Maps[0].Values.pow(2).mean().backward();
        Assert.True(model.named_parameters().Single(entry => entry.name == "blocks.1.attn.qkv.weight").parameter.grad!.abs().max().ToDouble() > 0);
    }

    [Fact]
    public void Attention_maps_have_rows_that_sum_to_one_and_times_the_values_they_are_the_fused_kernels_branch()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = Make("vit");
        var images = randn([2, 3, 32, 24]);

        var attention = model.AttentionMaps(images, ["blocks.1.attn"]);

        var weights = Assert.Single(attention).Value;
        Assert.Equal([2, 3, 3 + 12, 3 + 12], weights.shape);
        Near(ones(2, 3, 15), weights.sum(-1));

        // The branch of block 1 from its input (the stream after block 0, prefix tokens included) by the map and the weights alone.
        var state = model.state_dict();
        var stream = Stream(model, images);
        var normed = nn.functional.layer_norm(stream, [24], state["blocks.1.norm1.weight"], state["blocks.1.norm1.bias"], 1e-6);
        var values = nn.functional.linear(normed, state["blocks.1.attn.qkv.weight"], state["blocks.1.attn.qkv.bias"])
            .reshape(2, 15, 3, 3, 8).permute(2, 0, 3, 1, 4)[2];
        var mixed = matmul(weights, values).transpose(1, 2).reshape(2, 15, 24);
        var branch = nn.functional.linear(mixed, state["blocks.1.attn.proj.weight"], state["blocks.1.attn.proj.bias"]) * state["blocks.1.ls1.gamma"];
        using var fused = model.ForwardIntermediates(images, [1], MapPoint.Attn);
        Near(fused.Maps[0].Values, TokenGrid.ToMap(branch, 3, 4, 3));
    }

    [Fact]
    public void All_attention_maps_come_by_name_and_windows_have_none()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var cait = Make("cait_nano_patch8_64");
        var maps = cait.AttentionMaps(randn([1, 3, 64, 64]));
        Assert.Equal(cait.AttentionNames.Order(StringComparer.Ordinal), maps.Keys.Order(StringComparer.Ordinal));
        Assert.All(maps.Values, map => Assert.Equal([1, 4, 64, 64], map.shape));

        Assert.Contains("has no attention map 'blocks.99.attn'", Assert.Throws<SpectralKDException>(
            () => cait.AttentionMaps(randn([1, 3, 64, 64]), ["blocks.99.attn"])).Message, StringComparison.Ordinal);
        using var swin = Make("swin_nano_patch4_window4_64");
        Assert.Contains("so it has no attention maps [B, heads, N, N]", Assert.Throws<SpectralKDException>(
            () => swin.AttentionMaps(randn([1, 3, 64, 64]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_gives_the_stream_alone_refuses_the_other_points_in_one_line()
    {
        using var model = ModelCatalog.Create(new MixerSpec { Name = "mixer", ImageSize = 32, PatchSize = 8, EmbedDim = 6, Depth = 3, Classes = 5 }, seed: 1);
        var error = Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(model, Textures.Create(2, 32), new SpectralOptions { At = MapPoint.Mlp }));
        Assert.Equal("mixer (Mixer) gives maps at resid, not at mlp: take one of those, or a model whose blocks give it (ViT, DeiT, CaiT, Swin)", error.Message);
    }

    [Fact]
    public void Spectra_say_where_they_were_taken_in_their_title_and_file_and_do_not_merge_with_others()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Device = CPU });
        var images = Textures.Create(4, 64);
        var branch = SpectralAnalysis.Run(model, images, new SpectralOptions { At = MapPoint.Attn });
        var stream = SpectralAnalysis.Run(model, images);

        Assert.Equal("deit_nano_patch8_64 at attn", branch.Title);
        Assert.Contains("\"at\":\"attn\"", branch.ToJson(), StringComparison.Ordinal);
        Assert.DoesNotContain("\"at\"", stream.ToJson(), StringComparison.Ordinal);
        Assert.Equal(MapPoint.Attn, ModelSpectrum.FromJson(branch.ToJson()).At);
        Assert.NotEqual(stream.Intensities[3], branch.Intensities[3]);
        Assert.Equal("spectra of different points of the blocks do not merge: attn and resid", Assert.Throws<SpectralKDException>(() => branch.Merge(stream, checkRecords: false)).Message);
    }

    private static VisionModel Make(string name)
    {
        var model = name == "vit" ? ModelCatalog.Create(Registers, seed: 3) : ModelCatalog.Create(name, seed: 3);
        model.eval();
        using var guard = no_grad();
        foreach (var (key, parameter) in model.named_parameters().Where(entry => entry.name.Contains("blocks", StringComparison.Ordinal)))
        {
            using var values = tensor(GoldenValues.Weight(key, parameter.shape), parameter.shape); // branches of the size of the stream
            parameter.copy_(values);
        }

        return model;
    }

    // All tokens after block 0: a model of one block without norm and head gives them, but pools; so they come from the parts.
    private static Tensor Stream(VisionModel model, Tensor images)
    {
        var state = model.state_dict();
        var patches = nn.functional.conv2d(images, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], strides: [8, 8]).flatten(2).transpose(1, 2) + state["pos_embed"];
        var tokens = cat([state["cls_token"].expand(2, -1, -1), state["reg_token"].expand(2, -1, -1), patches], 1);
        using var block = new TransformerBlock(Registers, 0);
        foreach (var (key, parameter) in block.named_parameters())
        {
            parameter.copy_(state["blocks.0." + key]);
        }

        block.eval();
        return block.forward(tokens).DetachFromDisposeScope().MoveToOuterDisposeScope();
    }

    private static void Near(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= 2e-5 * Math.Max(1, expected.abs().max().ToDouble()), $"{distance:g3} away");
    }
}
