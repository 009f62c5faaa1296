namespace SpectralKD.Tests.Models;

public sealed class InitializationTests
{
    [Theory]
    [MemberData(nameof(VisionModelTests.Nano), MemberType = typeof(VisionModelTests))]
    public void Same_seed_gives_the_same_weights_and_another_seed_others(string name)
    {
        using var first = ModelCatalog.Create(name, seed: 3);
        using var same = ModelCatalog.Create(name, seed: 3);
        using var other = ModelCatalog.Create(name, seed: 4);

        foreach (var (key, weight) in first.named_parameters())
        {
            Assert.Equal(Values(weight), Values(Parameter(same, key)));
        }

        var drawn = first.named_parameters().First(entry => entry.parameter.dim() == 4).name; // a convolution of the patches
        Assert.NotEqual(Values(Parameter(first, drawn)), Values(Parameter(other, drawn)));
    }

    [Fact]
    public void Distributions_are_those_of_timm()
    {
        using var model = ModelCatalog.Create("deit_tiny_distilled_patch16_224");

        foreach (var key in new[] { "blocks.0.attn.qkv.weight", "blocks.11.mlp.fc2.weight", "head.weight", "pos_embed", "head_dist.weight" })
        {
            var values = Values(Parameter(model, key)).Select(value => value / 0.02).ToArray();
            AssertNormal(values);
        }

        Assert.InRange(Values(Parameter(model, "dist_token")).Max(Math.Abs), 0.02, 0.1);
        Assert.InRange(Values(Parameter(model, "cls_token")).Max(Math.Abs), 1e-6, 5e-6);
        Assert.All(Values(Parameter(model, "blocks.3.norm1.weight")), value => Assert.Equal(1, value));
        Assert.All(Values(Parameter(model, "blocks.3.norm1.bias")), value => Assert.Equal(0, value));
        Assert.All(Values(Parameter(model, "blocks.3.attn.qkv.bias")), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("patch_embed.proj.weight")]
    [InlineData("patch_embed.proj.bias")]
    public void Patch_projection_is_uniform_as_torch_draws_convolutions(string key)
    {
        using var model = ModelCatalog.Create("deit_tiny_patch16_224");
        var bound = 1 / Math.Sqrt(3 * 16 * 16);
        var values = Values(Parameter(model, key));

        Assert.All(values, value => Assert.InRange(value, -bound, bound));
        Assert.InRange(values.Max(Math.Abs), 0.97 * bound, bound);
        Assert.Equal(bound / Math.Sqrt(3), Math.Sqrt(values.Average(value => value * value)), 0.1 * bound);
    }

    [Theory]
    [InlineData("cait_xxs24_224", "blocks.7.gamma_1", 1e-5)]
    [InlineData("cait_s36_384", "blocks_token_only.1.gamma_2", 1e-6)]
    [InlineData("deit3_small_patch16_224", "blocks.0.ls2.gamma", 1e-6)]
    public void Layer_scale_starts_at_its_initial_value(string name, string key, double value)
    {
        var spec = ModelCatalog.Find(name).Spec;

        Assert.Equal((float)value, Drawn(spec, key, 8).Distinct().Single());
    }

    [Theory]
    [InlineData("cait_nano_patch8_64", "cls_token")]
    [InlineData("swin_nano_patch4_window4_64", "layers.1.blocks.0.attn.relative_position_bias_table")]
    public void Tokens_and_bias_tables_are_normal_with_timms_deviation(string name, string key)
    {
        AssertNormal([.. Drawn(ModelCatalog.Find(name).Spec, key, 50, 100).Select(value => value / 0.02)]);
    }

    [Fact]
    public void Numbers_of_a_seed_never_change()
    {
        // Frozen: weights of a seed are part of every published recipe.
        var random = new SeededNormal(0, "blocks.0.attn.qkv.weight");

        Assert.Equal(FrozenNormals, Enumerable.Range(0, 4).Select(i => (float)random.Normal(i)));
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.025, -1.959963984540054)]
    [InlineData(1e-3, -3.090232306167813)]
    [InlineData(1e-10, -6.361340902404055)]
    [InlineData(1e-300, -37.047096299361199)]
    public void Normal_quantile_is_exact_in_the_middle_and_in_the_tails(double p, double expected)
    {
        Assert.Equal(expected, NormalQuantile.At(p), Math.Abs(expected) * 2e-14);
    }

    [Fact]
    public void Logarithm_agrees_with_the_platforms()
    {
        foreach (var value in new[] { 1e-300, 1e-17, 0.1, 0.5, 0.7071, 0.70710678118654757, 0.9999999, 1, 1.5, 3, 1e10 })
        {
            Assert.Equal(Math.Log(value), NormalQuantile.Log(value), (Math.Abs(Math.Log(value)) * 4e-16) + 1e-22);
        }
    }

    private static readonly float[] FrozenNormals = [-0.168986052f, -0.0564856194f, -0.256481588f, 0.0485340506f];

    private static float[] Drawn(ModelSpec spec, string key, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        TimmInitialization.Fill(values, spec, key, shape, seed: 1);
        return values;
    }

    /// <summary>Mean, deviation, kurtosis and extent of a standard normal sample of a few thousand values.</summary>
    private static void AssertNormal(double[] values)
    {
        var spread = 5 / Math.Sqrt(values.Length);
        Assert.Equal(0, values.Average(), spread);
        Assert.Equal(1, values.Average(value => value * value), 2 * spread);
        Assert.Equal(3, values.Average(value => value * value * value * value), 10 * spread);
        Assert.InRange(values.Max(Math.Abs), 3, 6);
    }

    private static TorchSharp.Modules.Parameter Parameter(VisionModel model, string key) =>
        model.named_parameters().Single(entry => entry.name == key).parameter;

    private static float[] Values(Tensor weight) => weight.detach().data<float>().ToArray();
}
