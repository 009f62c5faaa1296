namespace SpectralKD.Tests.Weights;

public sealed class WeightLoaderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Fitting_weights_are_copied()
    {
        using var model = new TwoLayers();
        Load(model, Weights());
        Assert.Equal(Enumerable.Repeat(2f, 6), model.Body.weight!.data<float>().ToArray());
        Assert.Equal(Enumerable.Repeat(2f, 8), model.Head.weight!.data<float>().ToArray());
        Load(model, Weights()); // The model's tensors outlived the first load.
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Other_float_types_are_converted_to_the_models(ScalarType type)
    {
        using var model = new TwoLayers();
        Load(model, Weights().ToDictionary(pair => pair.Key, pair => pair.Value.to_type(type)));
        Assert.Equal(ScalarType.Float32, model.Body.weight!.dtype);
        Assert.Equal(Enumerable.Repeat(2f, 6), model.Body.weight!.data<float>().ToArray());
    }

    [Fact]
    public void Every_difference_is_listed_in_one_line_and_nothing_is_loaded()
    {
        using var model = new TwoLayers();
        var before = model.Body.bias!.data<float>().ToArray();
        var weights = Weights();
        weights.Remove("body.weight");
        weights["extra.one"] = zeros(1);
        weights["extra.two"] = zeros(1);
        weights["head.weight"] = zeros(4, 3);
        weights["head.bias"] = zeros([4], ScalarType.Int32);
        var error = Assert.Throws<SpectralKDException>(() => Load(model, weights));
        foreach (var part in new[]
        {
            "two-layers", "1 missing in the file: body.weight", "2 unknown to the model: extra.one, extra.two",
            "head.weight (file [4, 3], model [4, 2])", "head.bias (file I32, model Float32)", "Nothing was loaded",
        })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(before, model.Body.bias!.data<float>().ToArray());
    }

    [Fact]
    public void A_broadcastable_shape_is_still_a_wrong_shape()
    {
        using var model = new TwoLayers();
        var weights = Weights();
        weights["body.bias"] = zeros(1);
        Assert.Contains("body.bias (file [1], model [2])", Assert.Throws<SpectralKDException>(() => Load(model, weights)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_lists_are_cut_after_twenty_names()
    {
        using var model = new TwoLayers();
        var weights = Weights();
        for (var i = 0; i < 50; i++)
        {
            weights[$"extra.{i:00}"] = zeros(1);
        }

        var message = Assert.Throws<SpectralKDException>(() => Load(model, weights)).Message;
        Assert.Contains("50 unknown to the model", message, StringComparison.Ordinal);
        Assert.Contains("and 30 more", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_for_other_classes_stays_fresh_only_when_asked()
    {
        using var model = new TwoLayers();
        var fresh = model.Head.weight!.data<float>().ToArray();
        var weights = Weights();
        weights["head.weight"] = zeros(9, 2);
        weights["head.bias"] = zeros(9);
        var error = Assert.Throws<SpectralKDException>(() => Load(model, weights));
        Assert.Contains("fresh head", error.Message, StringComparison.Ordinal);

        var report = Load(model, weights, new LoadOptions { AllowHeadMismatch = true });
        Assert.Equal(["head.bias", "head.weight"], report.FreshHead.Order());
        Assert.Equal(fresh, model.Head.weight!.data<float>().ToArray());
        Assert.Equal(2f, model.Body.bias![0].item<float>());
    }

    [Fact]
    public void A_head_with_other_inputs_is_never_accepted()
    {
        using var model = new TwoLayers();
        var weights = Weights();
        weights["head.weight"] = zeros(9, 7);
        Assert.Throws<SpectralKDException>(() => Load(model, weights, new LoadOptions { AllowHeadMismatch = true }));
    }

    [Fact]
    public void Wrapper_prefixes_and_recomputable_buffers_do_not_disturb()
    {
        using var model = new TwoLayers();
        var weights = Weights().ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        weights["module.layers.0.blocks.1.attn_mask"] = zeros(4);
        weights["module.layers.0.blocks.0.attn.relative_position_index"] = zeros([4], ScalarType.Int64);
        var report = Load(model, weights);
        Assert.Equal(2, report.Ignored.Count);
        Assert.Equal(2f, model.Body.bias![0].item<float>());
    }

    [Fact]
    public void Loading_leaves_no_tensor_behind()
    {
        using var model = new TwoLayers();
        using var scope = NewDisposeScope();
        var weights = Weights();
        weights["body.weight"] = weights["body.weight"].to_type(ScalarType.Float16);
        Load(model, weights);
        var before = TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Load(model, weights);
        Assert.Equal(before, TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void One_tensor_under_two_spellings_is_an_error()
    {
        using var model = new TwoLayers();
        var weights = Weights();
        weights["module.body.bias"] = weights["body.bias"];
        Assert.Contains("twice", Assert.Throws<SpectralKDException>(() => Load(model, weights)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layers.0.downsample.norm.weight", "layers.1.downsample.norm.weight")]
    [InlineData("layers.2.downsample.reduction.weight", "layers.3.downsample.reduction.weight")]
    [InlineData("head.weight", "head.fc.weight")]
    [InlineData("layers.2.blocks.5.mlp.fc1.bias", "layers.2.blocks.5.mlp.fc1.bias")]
    [InlineData("layers.0.blocks.1.attn_mask", null)]
    public void Swins_original_layout_is_moved_to_timms(string original, string? timm) =>
        Assert.Equal(timm, new CheckpointKeys(["head.fc.weight", "layers.1.downsample.norm.weight"], ["head.weight", "layers.0.downsample.norm.weight"]).Translate(original));

    [Fact]
    public void Timms_own_swin_layout_stays_without_a_head_too() => Assert.Equal(
        "layers.1.downsample.norm.weight", new CheckpointKeys(["head.fc.weight", "layers.1.downsample.norm.weight"], ["layers.1.downsample.norm.weight"]).Translate("layers.1.downsample.norm.weight"));

    [Theory]
    [InlineData("patch_embed1.proj.weight", "patch_embed.proj.weight")]
    [InlineData("patch_embed3.norm.bias", "stages.2.downsample.norm.bias")]
    [InlineData("block2.1.mlp.dwconv.dwconv.weight", "stages.1.blocks.1.mlp.dwconv.weight")]
    [InlineData("norm4.weight", "stages.3.norm.weight")]
    [InlineData("head.bias", "head.bias")]
    public void Pvts_original_layout_is_moved_to_timms(string original, string timm) =>
        Assert.Equal(timm, new CheckpointKeys(["stages.0.norm.weight", "head.weight"], ["patch_embed1.proj.weight"]).Translate(original));

    [Theory]
    [InlineData("encoder_norm.weight", "head.norm.weight")]
    [InlineData("norm.bias", "head.norm.bias")]
    [InlineData("head.projection.weight", "head.fc.weight")]
    [InlineData("pos_embed_abs", "pos_embed")]
    [InlineData("blocks.0.norm1.weight", "blocks.0.norm1.weight")]
    [InlineData("head.fc.bias", "head.fc.bias")]
    public void Hieras_original_names_are_moved_to_timms(string original, string timm) =>
        Assert.Equal(timm, new CheckpointKeys(["head.norm.weight", "head.fc.weight"], ["encoder_norm.weight"]).Translate(original));

    [Theory]
    [InlineData("layers.0.blocks.0.attn.relative_coords_table")]
    [InlineData("layers.0.blocks.0.attn.biases")]
    public void Buffers_of_swin_v2_and_crossformer_are_passed_over(string key) =>
        Assert.Null(new CheckpointKeys(["head.fc.weight"], ["head.fc.weight"]).Translate(key));

    [Fact]
    public void Deit3_layer_scale_is_renamed_but_cait_keeps_its_own()
    {
        Assert.Equal("blocks.0.ls2.gamma", new CheckpointKeys(["blocks.0.ls1.gamma"], []).Translate("blocks.0.gamma_2"));
        Assert.Equal("blocks.0.gamma_2", new CheckpointKeys(["blocks.0.gamma_1"], []).Translate("blocks.0.gamma_2"));
    }

    private static Dictionary<string, Tensor> Weights() => new()
    {
        ["body.weight"] = full([2, 3], 2f),
        ["body.bias"] = full([2], 2f),
        ["head.weight"] = full([4, 2], 2f),
        ["head.bias"] = full([4], 2f),
    };

    private LoadReport Load(nn.Module model, Dictionary<string, Tensor> weights, LoadOptions? options = null)
    {
        var path = folder.File($"{Guid.NewGuid():N}.safetensors");
        SafetensorsWriter.Write(path, weights);
        using var file = SafetensorsFile.Open(path);
        return WeightLoader.Load(model, "two-layers", file, new CheckpointRules(), options ?? LoadOptions.Strict);
    }

    private sealed class TwoLayers : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear body = nn.Linear(3, 2);
        private readonly TorchSharp.Modules.Linear head = nn.Linear(2, 4);

        public TwoLayers()
            : base("two-layers") => RegisterComponents();

        public TorchSharp.Modules.Linear Body => body;

        public TorchSharp.Modules.Linear Head => head;

        public override Tensor forward(Tensor input) => Head.forward(Body.forward(input));
    }
}
