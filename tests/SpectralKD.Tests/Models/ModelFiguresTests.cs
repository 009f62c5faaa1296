namespace SpectralKD.Tests.Models;

public sealed class ModelFiguresTests
{
    [Theory]
    [InlineData("deit_tiny_patch16_224", 5_717_416)]
    [InlineData("deit_small_patch16_224", 22_050_664)]
    [InlineData("cait_xxs24_224", 11_956_264)]
    [InlineData("cait_s24_224", 46_916_200)]
    [InlineData("swin_tiny_patch4_window7_224", 28_288_354)]
    [InlineData("swin_small_patch4_window7_224", 49_606_258)]
    public void Parameters_are_those_of_timm(string name, long parameters)
    {
        Assert.Equal(parameters, ModelCatalog.Find(name).Parameters);
    }

    // timm's benchmark tables (results/benchmark-infer-amp-nchw-pt210-cu121-rtx3090.csv): millions of parameters; 10^9 multiply-adds as
    // fvcore counts them, which cannot see into the fused attention of ViT and counts norms too.
    [Theory]
    [InlineData("vit_tiny_patch16_224", 5.72, 1.08)]
    [InlineData("vit_small_patch16_224", 22.05, 4.25)]
    [InlineData("vit_base_patch16_224", 86.57, 16.87)]
    [InlineData("deit_base_patch16_224", 86.57, 16.87)]
    [InlineData("deit_tiny_distilled_patch16_224", 5.91, 1.09)]
    [InlineData("deit_small_distilled_patch16_224", 22.44, 4.27)]
    [InlineData("deit_base_distilled_patch16_224", 87.34, 16.95)]
    [InlineData("deit3_small_patch16_224", 22.06, 4.25)]
    [InlineData("deit3_base_patch16_224", 86.59, 16.87)]
    [InlineData("cait_xxs24_224", 11.96, 2.53)]
    [InlineData("cait_xxs36_224", 17.30, 3.77)]
    [InlineData("cait_xs24_384", 26.67, 19.28)]
    [InlineData("cait_s24_224", 46.92, 9.35)]
    [InlineData("cait_s36_384", 68.37, 47.99)]
    [InlineData("swin_tiny_patch4_window7_224", 28.29, 4.51)]
    [InlineData("swin_small_patch4_window7_224", 49.61, 8.77)]
    [InlineData("swin_base_patch4_window7_224", 87.77, 15.47)]
    public void Parameters_and_cost_agree_with_timms_tables(string name, double millions, double billions)
    {
        var entry = ModelCatalog.Find(name);
        var unseen = entry.Spec is VisionTransformerSpec vit ? FusedAttention(vit) : 0;

        Assert.Equal(millions, entry.Parameters / 1e6, 0.005);
        Assert.Equal(billions, (entry.Figures.MultiplyAdds - unseen) / 1e9, 0.01 * billions);
    }

    private static double FusedAttention(VisionTransformerSpec spec)
    {
        var tokens = (spec.GridHeight * spec.GridWidth) + spec.PrefixTokens;
        return 2.0 * spec.Depth * tokens * tokens * spec.EmbedDim;
    }

    [Theory]
    [MemberData(nameof(Buildable))]
    public void Counted_parameters_are_those_of_the_built_model(string name)
    {
        using var model = ModelCatalog.Create(ModelCatalog.Find(name).Spec, seed: null);

        Assert.Equal(model.parameters().Sum(parameter => parameter.NumberOfElements), model.Spec.Count().Parameters);
    }

    public static TheoryData<string> Buildable => [.. ModelCatalog.All.Where(entry => entry.Parameters < 30e6).Select(entry => entry.Name)];

    [Fact]
    public void Blocks_of_swin_halve_their_map_and_double_their_channels()
    {
        var blocks = ModelCatalog.Find("swin_tiny_patch4_window7_224").Blocks;

        Assert.Equal([(96, 56), (192, 28), (384, 14), (768, 7)], blocks.Select(block => (block.Channels, block.Height)));
        Assert.Equal(["layers.0", "layers.1", "layers.2", "layers.3"], blocks.Select(block => block.Name));
        Assert.Equal([96, 192, 384, 768], ModelCatalog.Find("swin_tiny_patch4_window7_224").Dims);
    }

    [Fact]
    public void Card_states_the_facts_of_a_model()
    {
        using var model = ModelCatalog.Create("cait_nano_patch8_64", classes: 5);
        foreach (var parameter in model.parameters().Take(1))
        {
            parameter.requires_grad = false; // cls_token, 48 numbers
        }

        var card = ModelCard.Of(model);

        Assert.Equal(("cait_nano_patch8_64", "CaiT", 5, "cpu", "Float32"), (card.Name, card.Family, card.Classes, card.Device, card.NumberType));
        Assert.Equal(card.Figures.Parameters - 48, card.TrainableParameters);
        Assert.Equal(card.Figures.WeightBytes, card.WeightBytes);
        Assert.Equal(24 * 48 * 8 * 8 * 4, card.MapBytes);
        Assert.Equal("cait_nano_patch8_64", card.CatalogEntry!.Name);
    }
}
