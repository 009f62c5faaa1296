using SpectralKD.Tests.Weights;

namespace SpectralKD.Tests.Models;

/// <summary>timm's plain transformers of other tasks, by name.</summary>
public sealed class PlainTransformersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("vit_small_patch16_224.dino", 21.67, 0, 1)]
    [InlineData("vit_small_patch8_224.dino", 21.67, 0, 1)]
    [InlineData("vit_base_patch16_224.dino", 85.80, 0, 1)]
    [InlineData("vit_base_patch8_224.dino", 85.81, 0, 1)]
    [InlineData("vit_base_patch16_224.mae", 85.80, 0, 1)]
    [InlineData("vit_large_patch16_224.mae", 303.30, 0, 1)]
    [InlineData("vit_huge_patch14_224.mae", 630.76, 0, 1)]
    [InlineData("vit_small_patch14_dinov2.lvd142m", 22.06, 0, 1)]
    [InlineData("vit_base_patch14_dinov2.lvd142m", 86.58, 0, 1)]
    [InlineData("vit_large_patch14_dinov2.lvd142m", 304.37, 0, 1)]
    [InlineData("vit_giant_patch14_dinov2.lvd142m", 1136.48, 0, 1)]
    [InlineData("vit_small_patch14_reg4_dinov2.lvd142m", 22.06, 0, 5)]
    [InlineData("vit_base_patch14_reg4_dinov2.lvd142m", 86.58, 0, 5)]
    [InlineData("vit_large_patch14_reg4_dinov2.lvd142m", 304.37, 0, 5)]
    [InlineData("vit_base_patch14_reg1_tipsv2.webli", 86.31, 0, 2)]
    [InlineData("vit_large_patch14_reg1_tipsv2.webli", 304.01, 0, 2)]
    [InlineData("vit_so400m_patch14_reg1_tipsv2.webli", 413.39, 0, 2)]
    [InlineData("vit_base_patch16_clip_224.openai", 86.19, 512, 1)]
    [InlineData("vit_base_patch16_clip_224.laion2b_ft_in1k", 86.57, 1000, 1)]
    [InlineData("vit_base_patch32_clip_224.openai", 87.85, 512, 1)]
    [InlineData("vit_base_patch32_clip_224.laion2b_ft_in12k_in1k", 88.22, 1000, 1)]
    [InlineData("vit_large_patch14_clip_224.openai", 303.97, 768, 1)]
    [InlineData("vit_large_patch14_clip_224.openai_ft_in1k", 304.20, 1000, 1)]
    [InlineData("vit_xsmall_patch16_clip_224.tinyclip_yfcc15m", 8.28, 512, 1)]
    [InlineData("vit_medium_patch16_clip_224.tinyclip_yfcc15m", 38.59, 512, 1)]
    [InlineData("vit_base_patch16_clip_quickgelu_224.openai", 86.19, 512, 1)]
    [InlineData("vit_base_patch16_siglip_gap_224.webli", 85.80, 0, 0)]
    [InlineData("vit_base_patch16_siglip_gap_256.v2_webli", 85.84, 0, 0)]
    [InlineData("vit_base_patch16_siglip_gap_512.webli", 86.43, 0, 0)]
    [InlineData("vit_base_patch16_siglip_224.webli", 92.88, 0, 0)]
    [InlineData("vit_large_patch16_siglip_gap_256.webli", 303.36, 0, 0)]
    [InlineData("vit_so400m_patch14_siglip_gap_224.webli", 412.44, 0, 0)]
    [InlineData("vit_so400m_patch14_siglip_gap_378.webli_ft_in1k", 414.14, 1000, 0)]
    [InlineData("vit_wee_patch16_reg1_gap_256.sbb_in1k", 13.42, 1000, 1)]
    [InlineData("vit_little_patch16_reg1_gap_256.sbb_in12k_ft_in1k", 22.52, 1000, 1)]
    [InlineData("vit_little_patch16_reg4_gap_256.sbb_in1k", 22.52, 1000, 4)]
    [InlineData("vit_medium_patch16_reg1_gap_256.sbb_in1k", 38.88, 1000, 1)]
    [InlineData("vit_medium_patch16_reg4_gap_256.sbb_in1k", 38.88, 1000, 4)]
    [InlineData("vit_mediumd_patch16_reg4_gap_256.sbb_in12k_ft_in1k", 64.11, 1000, 4)]
    [InlineData("vit_betwixt_patch16_reg1_gap_256.sbb_in1k", 60.40, 1000, 1)]
    [InlineData("vit_betwixt_patch16_reg4_gap_256.sbb_in1k", 60.40, 1000, 4)]
    [InlineData("vit_medium_patch16_gap_256.sw_in12k_ft_in1k", 38.86, 1000, 0)]
    [InlineData("vit_so150m_patch16_reg4_gap_256.sbb_e250_in12k_ft_in1k", 134.13, 1000, 4)]
    [InlineData("vit_huge_patch14_gap_224", 630.76, 0, 0)]
    [InlineData("vit_intern300m_patch14_448.ogvl_dist", 304.01, 0, 1)]
    public void Each_has_the_parameters_classes_and_prefix_tokens_of_timm(string name, double millions, int classes, int prefix)
    {
        var entry = ModelCatalog.Find(name);
        Assert.Equal(millions, entry.Parameters / 1e6, 0.0151); // the list is rounded to 0.01 million
        Assert.Equal(classes, entry.Spec.Classes);
        Assert.Equal(prefix, ((VisionTransformerSpec)entry.Spec).PrefixTokens);
    }

    [Fact]
    public void A_tag_brings_its_preprocessing_and_repository()
    {
        var dino = ModelCatalog.Find("vit_small_patch14_reg4_dinov2.lvd142m");
        Assert.Equal((new ImageSize(518, 518), 1.0), (dino.Spec.ImageSize, dino.Spec.Preprocessing.CropFraction));
        Assert.Equal("timm/vit_small_patch14_reg4_dinov2.lvd142m", dino.Weights!.Repository);
        Assert.Equal(0.48145466f, ModelCatalog.Find("vit_base_patch16_clip_224.openai").Spec.Preprocessing.Mean[0]);
        Assert.Equal(0.5f, ModelCatalog.Find("vit_large_patch14_clip_224.laion2b").Spec.Preprocessing.Mean[0]);
        Assert.Equal(0f, ModelCatalog.Find("vit_base_patch14_reg1_tipsv2").Spec.Preprocessing.Mean[0]);
        Assert.True(ModelCatalog.Find("vit_so400m_patch14_siglip_gap_378.webli_ft_in1k").Spec.Preprocessing.Squash);
        Assert.Equal("timm/vit_base_patch16_clip_224.openai", ModelCatalog.Find("vit_base_patch16_clip_quickgelu_224.openai").Weights!.Repository);
        Assert.Equal((1000, 0.9), (ModelCatalog.Find("vit_base_patch16_224").Spec.Classes, ModelCatalog.Find("vit_base_patch16_224.dino").Spec.Preprocessing.CropFraction));
    }

    [Fact]
    public void Licences_that_forbid_commercial_use_say_so()
    {
        Assert.True(ModelCatalog.Find("vit_base_patch16_224.mae").Weights!.IsNonCommercial);
        Assert.Equal("cc-by-nc-4.0, NOT FOR COMMERCIAL USE", ModelCatalog.Find("vit_base_patch16_224.mae").Weights!.LicenseWords);
        Assert.False(ModelCatalog.Find("vit_base_patch16_224.dino").Weights!.IsNonCommercial);
        Assert.All(ModelCatalog.All.SelectMany(entry => entry.Published), weights => Assert.Matches("^[a-z0-9.-]+$", weights.License));
    }

    [Fact]
    public void No_name_or_tag_is_listed_twice()
    {
        Assert.Equal(ModelCatalog.All.Count, ModelCatalog.All.Select(entry => entry.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(ModelCatalog.All, entry => Assert.Equal(entry.Published.Count, entry.Published.Select(weights => weights.Tag).Distinct().Count()));
    }

    [Theory]
    [InlineData(4, 0, "the file has 4 registers, vit no registers")]
    [InlineData(0, 4, "the file has no registers, vit 4 registers")]
    public void Weights_of_the_variant_with_other_registers_are_refused_in_one_line(int there, int here, string words)
    {
        Save(there, 56);
        using var model = ModelCatalog.Create(Spec(here, 56), seed: 1);

        var error = Assert.Throws<SpectralKDException>(() => LoadInto(model));

        Assert.Equal($"the weights 'weights.safetensors' do not fit the model vit: {words}. Nothing was loaded", error.Message);
    }

    [Fact]
    public void The_message_names_the_model_of_the_catalogue_that_the_file_is_of()
    {
        using var tiny = ModelCatalog.Create(ModelCatalog.Find("vit_wee_patch16_reg1_gap_256").Spec with { ImageSize = 32 }, seed: 2);
        ModelLoader.Save(tiny, _folder.File("weights.safetensors"));
        using var model = ModelCatalog.Create((VisionTransformerSpec)tiny.Spec with { RegisterTokens = 4, Name = "mine" }, seed: 1);
        Assert.Equal("the weights 'weights.safetensors' do not fit the model mine: the file has 1 register, mine 4 registers. Nothing was loaded; use vit_wee_patch16_reg1_gap_256",
            Assert.Throws<SpectralKDException>(() => LoadInto(model)).Message);
    }

    [Fact]
    public void Weights_with_layer_scale_for_a_model_without_are_refused_in_one_line_and_not_in_a_list_of_its_tensors()
    {
        using var scaled = ModelCatalog.Create(Spec(0, 56) with { LayerScale = 0.1 }, seed: 2);
        ModelLoader.Save(scaled, _folder.File("weights.safetensors"));
        using var model = ModelCatalog.Create(Spec(0, 56) with { LayerScale = null }, seed: 1);
        Assert.Equal("the weights 'weights.safetensors' do not fit the model vit: the file has layer scale, vit no layer scale. Nothing was loaded",
            Assert.Throws<SpectralKDException>(() => LoadInto(model)).Message);
    }

    [Fact]
    public void Positions_of_518_pixels_load_into_224()
    {
        Save(registers: 4, size: 518);
        using var model = ModelCatalog.Create(Spec(4, 224), seed: 1);
        LoadInto(model);
        Assert.Equal("1 tensor (pos_embed) interpolated to images of 224 pixels", Assert.Single(model.Origin.Notes));
    }

    private static VisionTransformerSpec Spec(int registers, int size) => new()
    {
        Name = "vit",
        ImageSize = size,
        PatchSize = 14,
        EmbedDim = 12,
        Depth = 1,
        Heads = 2,
        Classes = 0,
        LayerScale = 1e-5,
        RegisterTokens = registers,
        ClassPosition = registers == 0,
    };

    private void Save(int registers, int size)
    {
        using var model = ModelCatalog.Create(Spec(registers, size), seed: 2);
        ModelLoader.Save(model, _folder.File("weights.safetensors"));
    }

    private void LoadInto(VisionModel model)
    {
        using var weights = WeightsFile.Open(_folder.File("weights.safetensors"));
        WeightLoader.Load(model, weights);
    }
}
