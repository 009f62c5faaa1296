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

    public static TheoryData<string> Models => ["vit", "hiera of every block", .. NanoModels.All.Where(entry => entry.Spec.ImageSize.Height == 32).Select(entry => entry.Name)];

    // One stage of a family, of so many blocks, on 16 pixels.
    public static TheoryData<string> Families => ["Swin", "Swin v2", "PVT v2", "Twins, reduced", "Twins, windows", "CrossFormer"];

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
            Near(At(MapPoint.Resid, i), AfterStage(model, i, At(MapPoint.Mid, i) + At(MapPoint.Mlp, i)));
            Assert.True(At(MapPoint.Attn, i).abs().max().ToDouble() > 0);
            if (i > 0 && model.Blocks[i].Name == $"blocks.{i}" && model.Blocks[i].Channels == model.Blocks[i - 1].Channels) // a stage has other blocks before its last
            {
                Near(At(MapPoint.Mid, i), At(MapPoint.Resid, i - 1) + At(MapPoint.Attn, i));
            }
        }

        Tensor At(MapPoint at, int block) => maps[at].Maps[block].Values;
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_stages_points_are_those_of_its_last_block_whose_stream_between_the_branches_is_what_the_blocks_before_gave_plus_its_attention(string family)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var whole = Filled(ModelCatalog.Create(OneStage(family, 2), seed: 3));
        using var before = Filled(ModelCatalog.Create(OneStage(family, 1), seed: 3));
        var images = randn([2, 3, 32, 32]);

        var stream = whole.ForwardIntermediates(images, null, MapPoint.Mid).Maps[0].Values - whole.ForwardIntermediates(images, null, MapPoint.Attn).Maps[0].Values;

        Near(before.ForwardIntermediates(images, null).Maps[0].Values, AfterStage(before, 0, stream));
    }

    [Theory]
    [InlineData(1, false, true)]
    [InlineData(1, true, false)]
    [InlineData(2, true, false)]
    public void A_hieras_attention_maps_stand_row_by_row_and_times_the_values_they_are_its_branch(int poolings, bool firstInUnits, bool secondInUnits)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var model = Filled(ModelCatalog.Create(Hiera with { Poolings = poolings, UnitAttention = [firstInUnits, secondInUnits, false] }, seed: 3));
        var (images, state) = (randn([2, 3, 32, 32]), model.state_dict());
        var maps = model.ForwardIntermediates(images, null).Maps;
        var branches = model.ForwardIntermediates(images, null, MapPoint.Attn).Maps;

        var attention = model.AttentionMaps(images);

        Assert.Equal(model.AttentionNames.Order(StringComparer.Ordinal), attention.Keys.Order(StringComparer.Ordinal));
        foreach (var i in Enumerable.Range(1, 6).Where(i => attention.ContainsKey($"blocks.{i}.attn")))
        {
            var (weights, tokens, key) = (attention[$"blocks.{i}.attn"], maps[i - 1].Values.flatten(2).transpose(1, 2), $"blocks.{i}.");
            var (heads, dim, count) = (weights.shape[1], branches[i].Values.shape[1], tokens.shape[1]);
            Assert.Equal([2, heads, branches[i].Values.shape[2] * branches[i].Values.shape[3], count], weights.shape);
            Near(ones(weights.shape[..3]), weights.sum(-1));
            var normed = nn.functional.layer_norm(tokens, [tokens.shape[2]], state[key + "norm1.weight"], state[key + "norm1.bias"], 1e-6);
            var values = nn.functional.linear(normed, state[key + "attn.qkv.weight"], state[key + "attn.qkv.bias"]).reshape(2, count, 3, heads, -1).permute(2, 0, 3, 1, 4)[2];
            var branch = nn.functional.linear(matmul(weights, values).transpose(1, 2).flatten(2), state[key + "attn.proj.weight"], state[key + "attn.proj.bias"]);
            Near(branches[i].Values, branch.transpose(1, 2).reshape(branches[i].Values.shape));
        }
    }

    [Fact]
    public void Attention_with_a_bias_and_to_fewer_keys_gives_maps_that_times_the_values_are_the_fused_kernels_output()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var biased = new BeitAttention(new BeitSpec { Name = "beit", ImageSize = 16, PatchSize = 4, EmbedDim = 12, Heads = 3 });
        using var reduced = new ReducedAttention(12, 3, new KeyReduction(2));
        Fill(biased);
        Fill(reduced);
        var (kept, b, r) = (new KeptMaps([], MapPoint.Resid, ["b.attn", "r.attn"], scope), biased.state_dict(), reduced.state_dict());
        var (tokens, map) = (randn([2, 17, 12]), randn([2, 4, 6, 12]));

        var own = biased.Run(tokens, RelativePositions.WithClassToken(4, 4), kept.TapOf(KeptMaps.NoBlock, "b", values => values));
        var fewer = reduced.Run(map, kept.TapOf(KeptMaps.NoBlock, "r", values => values));

        var weights = kept.Attention["b.attn"];
        Assert.Equal([2, 3, 17, 17], weights.shape);
        var values = nn.functional.linear(tokens, b["qkv.weight"].narrow(0, 24, 12), b["v_bias"]).reshape(2, 17, 3, 4).transpose(1, 2);
        Near(own, nn.functional.linear(matmul(weights, values).transpose(1, 2).flatten(2), b["proj.weight"], b["proj.bias"]));

        weights = kept.Attention["r.attn"];
        Assert.Equal([2, 3, 24, 6], weights.shape);
        var keys = nn.functional.conv2d(map.permute(0, 3, 1, 2), r["sr.weight"], r["sr.bias"], strides: [2, 2]).flatten(2).transpose(1, 2);
        keys = nn.functional.layer_norm(keys, [12], r["norm.weight"], r["norm.bias"], 1e-5);
        values = nn.functional.linear(keys, r["kv.weight"].narrow(0, 12, 12), r["kv.bias"].narrow(0, 12, 12)).reshape(2, 6, 3, 4).transpose(1, 2);
        Near(fewer.flatten(1, 2), nn.functional.linear(matmul(weights, values).transpose(1, 2).flatten(2), r["proj.weight"], r["proj.bias"]));
    }

    [Fact]
    public void Each_family_names_the_attention_maps_that_it_has()
    {
        Assert.Equal("blocks.0.attn blocks.11.attn", Ends("beit_nano_patch4_32"));
        Assert.Equal("stages.0.blocks.0.attn stages.2.blocks.1.attn", Ends("pvt_v2_nano_32"));
        Assert.Equal("blocks.0.0.attn blocks.2.1.attn", Ends("twins_pcpvt_nano_patch2_32"));
        Assert.Equal("blocks.0.1.attn blocks.2.1.attn", Ends("twins_svt_nano_patch2_window4_32"));
        Assert.Equal("blocks.6.attn blocks.6.attn", Ends("hiera_nano_32"));
        Assert.All(["swin_nano_patch2_window4_32", "swinv2_nano_patch2_window4_32", "crossformer_nano_patch2_group4_32"], name => Assert.Equal("", Ends(name)));

        static string Ends(string name)
        {
            using var scope = NewDisposeScope();
            using var model = ModelCatalog.Create(name);
            var names = model.AttentionNames;
            if (names.Count == 0)
            {
                return "";
            }

            var maps = model.AttentionMaps(randn([1, 3, 32, 32]), [names[^1]]);
            Assert.Equal(4, Assert.Single(maps).Value.dim());
            return $"{names[0]} {names[^1]}";
        }
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
        Assert.Equal("mixer (Mixer) gives maps at resid, not at mlp: take one of those, or another model", error.Message);
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

    private static HieraSpec Hiera => (HieraSpec)ModelCatalog.Find("hiera_nano_32").Spec with { EveryBlock = true };

    private static VisionModel Make(string name) => Filled(name switch
    {
        "vit" => ModelCatalog.Create(Registers, seed: 3),
        "hiera of every block" => ModelCatalog.Create(Hiera, seed: 3),
        _ => ModelCatalog.Create(name, seed: 3),
    });

    private static ModelSpec OneStage(string family, int depth) => family switch
    {
        "Swin" => (SwinSpec)ModelCatalog.Find("swin_nano_patch2_window4_32").Spec with { Depths = [depth], Heads = [2] },
        "Swin v2" => (SwinV2Spec)ModelCatalog.Find("swinv2_nano_patch2_window4_32").Spec with { Depths = [depth], Heads = [2] },
        "PVT v2" => (PvtV2Spec)ModelCatalog.Find("pvt_v2_nano_32").Spec with { Depths = [depth], Heads = [2], LaterDims = [], MlpRatios = [2], Reductions = [2] },
        "CrossFormer" => (CrossFormerSpec)ModelCatalog.Find("crossformer_nano_patch2_group4_32").Spec with { Depths = [depth], Heads = [2], Groups = [4], Intervals = [2] },
        _ => (TwinsSpec)ModelCatalog.Find("twins_pcpvt_nano_patch2_32").Spec with
        {
            Depths = [depth],
            Heads = [2],
            LaterDims = [],
            MlpRatios = [2],
            Reductions = [2],
            Windows = family == "Twins, windows" ? [5] : null,
        },
    };

    // PVT v2 hands out what a stage's own norm makes of its stream.
    private static Tensor AfterStage(VisionModel model, int stage, Tensor stream)
    {
        if (model is not PvtV2)
        {
            return stream;
        }

        var (state, name) = (model.state_dict(), model.Blocks[stage].Name);
        return nn.functional.layer_norm(stream.permute(0, 2, 3, 1), [stream.shape[1]], state[name + ".norm.weight"], state[name + ".norm.bias"], 1e-6).permute(0, 3, 1, 2);
    }

    private static VisionModel Filled(VisionModel model)
    {
        model.eval();
        Fill(model);
        return model;
    }

    // Branches of the size of the stream.
    private static void Fill(nn.Module module)
    {
        using var guard = no_grad();
        foreach (var (key, parameter) in module.named_parameters().Where(entry => entry.name.Contains("blocks", StringComparison.Ordinal) || module is not VisionModel))
        {
            using var values = tensor(GoldenValues.Weight(key, parameter.shape), parameter.shape);
            parameter.copy_(values);
        }
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
