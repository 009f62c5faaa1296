using TorchSharp;

namespace SpectralKD.Tests.Models;

/// <summary>Every family against timm 1.0.11 on small models: outputs, feature maps, gradients, keys.</summary>
public sealed class GoldenModelTests
{
    public static TheoryData<string> Cases => [.. GoldenModel.Cases];

    public static TheoryData<string> SwinCases => [.. SharedData.GoldenCases("small").Where(name => name.StartsWith("swin", StringComparison.Ordinal))];

    [Fact]
    public void Every_family_has_golden_vectors()
    {
        var families = GoldenModel.Cases.Select(name => new GoldenModel(name).Spec.Family).ToHashSet();
        families.UnionWith(["Lift", "WideLast"]); // StudentVariantsTests: they are none of timm's
        Assert.All(ModelCatalog.All.Select(entry => entry.Family).Distinct(), family => Assert.Contains(family, families));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Keys_their_order_and_shapes_are_those_of_timm(string name)
    {
        var golden = new GoldenModel(name);
        using var model = golden.Create();

        var ours = model.state_dict().Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]");

        Assert.Equal(golden.Keys.Select(entry => $"{entry.Key} [{string.Join(", ", entry.Shape)}]"), ours);
        Assert.Equal(golden.Parameters, golden.Spec.Count().Parameters);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_and_all_feature_maps_are_those_of_timm(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        using var guard = no_grad();
        var expected = golden.Expected;

        using var output = model.ForwardIntermediates(golden.Input(), null);

        Near(expected["logits"], output.Logits, golden.LogitTolerance, "logits");
        Near(expected["logits"], model.forward(golden.Input()), golden.LogitTolerance, "logits without maps");
        Assert.Equal(golden.BlockShapes, output.Maps.Select(map => map.Values.shape));
        Assert.Equal(golden.BlockShapes, model.Blocks.Select(block => new long[] { 2, block.Channels, block.Height, block.Width }));
        Assert.All(output.Maps, map => Near(expected[$"block.{map.Block}"], map.Values, golden.MapTolerance, $"block {map.Block}"));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Prefix_tokens_normed_maps_all_tokens_and_pooled_features_are_those_of_timm(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        using var guard = no_grad();
        var (expected, last) = (golden.Expected, model.Blocks.Count - 1);
        using var output = model.ForwardIntermediates(golden.Input(), [-1]);
        var map = output.Maps.Single().Values.permute(0, 2, 3, 1); // (B, H, W, C)
        var norm = model.named_modules().Where(entry => entry.name == "norm").Select(entry => (SpectralKD.Models.LayerNorm)entry.module).SingleOrDefault();

        if (expected.TryGetValue($"normed.block.{last}", out var normed))
        {
            Near(normed, Normed(map).permute(0, 3, 1, 2), golden.MapTolerance, "normed map");
        }

        if (expected.TryGetValue($"prefix.{last}", out var prefix))
        {
            var tokens = model is Beit beit ? beit.Tokens(golden.Input(), KeptMaps.None) : ((VisionTransformer)model).Tokens(golden.Input(), KeptMaps.None);
            Near(prefix, tokens.narrow(1, 0, prefix.shape[1]), golden.MapTolerance, "prefix tokens");
            Near(expected["features"], Normed(tokens), golden.MapTolerance, "all tokens");
        }
        else if (model is Twins or SwinV2 or CrossFormer && expected.TryGetValue("features", out var features))
        {
            Near(features, Normed(map).reshape(features.shape), golden.MapTolerance, "all tokens");
        }

        if (expected.TryGetValue("pre_logits", out var pooled))
        {
            using var headless = ModelCatalog.Create(golden.Spec with { Classes = 0 }, seed: null);
            GoldenModel.Load(headless);
            headless.eval();
            Near(pooled, headless.forward(golden.Input()), golden.MapTolerance, "pooled features");
        }

        Tensor Normed(Tensor values) => norm is null ? values : norm.forward(values); // timm's Identity where the norm stands behind the pooling
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Input_of_low_variance_shows_the_right_epsilon(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        using var guard = no_grad();
        var expected = golden.Expected;
        var last = model.Blocks.Count - 1;

        using var output = model.ForwardIntermediates(golden.Input(scale: 0.04), [-1]);

        Near(expected["lowvar.logits"], output.Logits, golden.LogitTolerance, "logits");
        Near(expected[$"lowvar.block.{last}"], output.Maps.Single().Values, golden.MapTolerance, $"block {last}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_of_all_parameters_are_those_of_timm(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        var gradients = golden.Gradients;

        var loss = GoldenLoss(model, golden.Input());
        loss.backward();

        var exact = gradients.GetProperty("loss_f64").GetDouble();
        Assert.Equal(exact, loss.ToDouble(), Math.Abs(exact) * 1e-5);
        foreach (var (key, parameter) in model.named_parameters())
        {
            var norm = gradients.GetProperty("grad_l2").GetProperty(key).GetDouble();
            Assert.Equal(norm, parameter.grad!.to(float64).norm().ToDouble(), golden.GradientTolerance(norm));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_norm_has_its_epsilon_and_what_is_not_decayed_is_what_timm_says(string name)
    {
        var golden = new GoldenModel(name);
        using var model = golden.Create();

        Assert.All(model.named_modules().Where(entry => entry.module is SpectralKD.Models.LayerNorm && golden.Epsilon(entry.name) is not null),
            entry => Assert.Equal(golden.Epsilon(entry.name), ((SpectralKD.Models.LayerNorm)entry.module).Epsilon));
        if (golden.NoWeightDecay is { } names)
        {
            var parameters = golden.Keys.Select(entry => entry.Key);
            Assert.Equal(names.Intersect(parameters).Order(StringComparer.Ordinal), model.NoWeightDecay.Intersect(parameters).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Gradients_of_a_vision_transformer_agree_number_by_number()
    {
        var golden = new GoldenModel("vit");
        using var scope = NewDisposeScope();
        using var model = golden.Create();
        GoldenLoss(model, golden.Input()).backward();

        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var (key, expected) in GoldenTensors.Read(SharedData.Golden("small", "vit", "grads.safetensors")))
        {
            Near(expected, parameters[key].grad!, 1e-4 * expected.abs().max().ToDouble(), key);
        }
    }

    [Fact]
    public void Heads_of_a_distilled_model_come_apart_before_they_are_averaged()
    {
        var golden = new GoldenModel("deit_distilled");
        using var scope = NewDisposeScope();
        using var model = (VisionTransformer)golden.Create();
        using var guard = no_grad();
        var expected = golden.Expected;

        var (byClass, byDistillation) = model.ForwardHeads(golden.Input());

        Near(expected["head_cls"], byClass, golden.LogitTolerance, "class head");
        Near(expected["head_dist"], byDistillation, golden.LogitTolerance, "distillation head");
    }

    [Theory]
    [MemberData(nameof(SwinCases))]
    public void Index_and_mask_of_windows_are_the_buffers_of_timm(string name)
    {
        var golden = new GoldenModel(name);
        using var scope = NewDisposeScope();
        using var model = (Swin)golden.Create();
        var buffers = golden.Expected.Where(entry => entry.Key.StartsWith("buffer.", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(buffers);
        foreach (var (key, expected) in buffers)
        {
            var parts = key.Split('.');
            var attention = model.Stages[int.Parse(parts[2])].Blocks[int.Parse(parts[4])].Attention;
            var constant = key.EndsWith("attn_mask", StringComparison.Ordinal) ? attention.Mask : attention.Index;
            Assert.NotNull(constant);
            Assert.True(expected.Equals(constant.At(CPU, expected.dtype)), key);
        }

        var masks = model.Stages.SelectMany(stage => stage.Blocks).Count(block => block.Attention.Mask is not null);
        Assert.Equal(buffers.Count(entry => entry.Key.EndsWith("attn_mask", StringComparison.Ordinal)), masks);
    }

    [Fact]
    public void Weights_by_the_generator_are_those_of_the_file()
    {
        using var scope = NewDisposeScope();
        foreach (var (key, expected) in GoldenTensors.Read(SharedData.Golden("small", "vit", "weights.safetensors")))
        {
            Assert.Equal(expected.data<float>().ToArray(), GoldenValues.Weight(key, expected.shape));
        }
    }

    private static Tensor GoldenLoss(VisionModel model, Tensor input)
    {
        var output = model.ForwardIntermediates(input, null);
        var seed = tensor(GoldenValues.Generate("grad_seed", output.Logits.NumberOfElements, 2), output.Logits.shape);
        return output.Maps.Aggregate((output.Logits * seed).sum(), (sum, map) => sum + map.Values.pow(2).mean());
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= tolerance, $"{what}: {distance:g3} away, {tolerance:g3} allowed");
    }
}
