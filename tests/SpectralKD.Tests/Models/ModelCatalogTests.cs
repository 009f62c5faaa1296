namespace SpectralKD.Tests.Models;

public sealed class ModelCatalogTests
{
    [Theory]
    [InlineData("vit_tiny_patch16_224", "ViT", 12)]
    [InlineData("vit_small_patch16_224", "ViT", 12)]
    [InlineData("vit_base_patch16_224", "ViT", 12)]
    [InlineData("deit_tiny_patch16_224", "DeiT", 12)]
    [InlineData("deit_small_patch16_224", "DeiT", 12)]
    [InlineData("deit_base_patch16_224", "DeiT", 12)]
    [InlineData("deit_tiny_distilled_patch16_224", "DeiT", 12)]
    [InlineData("deit_small_distilled_patch16_224", "DeiT", 12)]
    [InlineData("deit_base_distilled_patch16_224", "DeiT", 12)]
    [InlineData("deit3_small_patch16_224", "DeiT", 12)]
    [InlineData("deit3_base_patch16_224", "DeiT", 12)]
    [InlineData("cait_xxs24_224", "CaiT", 24)]
    [InlineData("cait_xxs36_224", "CaiT", 36)]
    [InlineData("cait_xs24_384", "CaiT", 24)]
    [InlineData("cait_s24_224", "CaiT", 24)]
    [InlineData("cait_s36_384", "CaiT", 36)]
    [InlineData("swin_tiny_patch4_window7_224", "Swin", 4)]
    [InlineData("swin_small_patch4_window7_224", "Swin", 4)]
    [InlineData("swin_base_patch4_window7_224", "Swin", 4)]
    public void Published_model_is_listed_with_weights_and_licence(string name, string family, int blocks)
    {
        var entry = ModelCatalog.Find(name);

        Assert.Equal(family, entry.Family);
        Assert.Equal(blocks, entry.Blocks.Count);
        Assert.Equal(1000, entry.Spec.Classes);
        Assert.StartsWith($"timm/{name}.", entry.Weights!.Repository, StringComparison.Ordinal);
        Assert.Equal(family == "Swin" ? "mit" : "apache-2.0", entry.Weights.License);
    }

    [Fact]
    public void Names_are_unique()
    {
        Assert.Distinct(ModelCatalog.All.Select(entry => entry.Name));
    }

    [Theory]
    [InlineData("deit_tiny_patch16_224.fb_in1k", "timm/deit_tiny_patch16_224.fb_in1k")]
    [InlineData("timm/cait_s24_224.fb_dist_in1k", "timm/cait_s24_224.fb_dist_in1k")]
    [InlineData("hf-hub:timm/swin_tiny_patch4_window7_224.ms_in1k", "timm/swin_tiny_patch4_window7_224.ms_in1k")]
    [InlineData(" DeiT_Tiny_patch16_224 ", "timm/deit_tiny_patch16_224.fb_in1k")]
    [InlineData("swin_small_patch4_window7_224", "timm/swin_small_patch4_window7_224.ms_in22k_ft_in1k")]
    [InlineData("deit3_small_patch16_224.fb_in22k_ft_in1k", "timm/deit3_small_patch16_224.fb_in22k_ft_in1k")]
    public void Name_with_tag_or_hub_prefix_finds_its_weights(string name, string repository)
    {
        Assert.Equal(repository, ModelCatalog.Find(name).Weights!.Repository);
    }

    [Fact]
    public void Preprocessing_is_that_of_the_tag()
    {
        Assert.Equal(0.9, ModelCatalog.Find("deit3_small_patch16_224").Spec.Preprocessing.CropFraction);
        Assert.Equal(1.0, ModelCatalog.Find("deit3_small_patch16_224.fb_in22k_ft_in1k").Spec.Preprocessing.CropFraction);
        Assert.Equal(1.0, ModelCatalog.Find("cait_s24_224").Spec.Preprocessing.CropFraction);
        Assert.Equal([0.5f, 0.5f, 0.5f], ModelCatalog.Find("vit_base_patch16_224").Spec.Preprocessing.Mean);
    }

    [Theory]
    [InlineData("deit_tiny", "deit_tiny_patch16_224")]
    [InlineData("deit_tiny_patch16_225", "deit_tiny_patch16_224")]
    [InlineData("swin-tiny", "swin_tiny_patch4_window7_224")]
    [InlineData("cait_s24", "cait_s24_224")]
    [InlineData("deit_distilled_tiny_patch16_224", "deit_tiny_distilled_patch16_224")]
    public void Unknown_name_suggests_the_nearest(string typed, string meant)
    {
        var error = Assert.Throws<SpectralKDException>(() => ModelCatalog.Find(typed));

        Assert.Contains($"'{typed}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(meant, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Unknown_tag_lists_the_known_ones()
    {
        var error = Assert.Throws<SpectralKDException>(() => ModelCatalog.Find("vit_small_patch16_224.fb_in1k"));

        Assert.Contains("augreg_in21k_ft_in1k, augreg_in1k", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nano_models_have_embedded_weights_or_none()
    {
        Assert.Null(ModelCatalog.Find("cait_nano_patch4_32").Weights);
        Assert.Contains("no published weights", Assert.Throws<SpectralKDException>(
            () => ModelCatalog.Find("cait_nano_patch4_32.fb_in1k")).Message, StringComparison.Ordinal);
        Assert.Equal("spectralkd_textures", ModelCatalog.Find("deit_nano_patch8_64").Weights!.Tag);
        Assert.Equal("textures", ModelCatalog.Find("deit_nano_patch8_64.textures").Weights!.Tag);
        Assert.Null(ModelCatalog.Find("deit_nano_patch8_64").Weights!.Repository);
    }

    [Theory]
    [InlineData("nano 64", 12)]
    [InlineData("pvt b2", 2)]
    [InlineData("CAIT", 7)]
    [InlineData("cait*384", 2)]
    [InlineData("nothing like it", 0)]
    public void Filter_keeps_what_contains_all_its_words(string filter, int count)
    {
        Assert.Equal(count, ModelCatalog.Search(filter).Count);
        Assert.Equal(ModelCatalog.All, ModelCatalog.Search(null));
    }

    [Theory]
    [InlineData("vit_base_patch16_224.dino", "vit_base_patch16_224.dino")]
    [InlineData("VIT_BASE_PATCH16_224.*", "vit_base_patch16_224 vit_base_patch16_224.augreg_in21k_ft_in1k vit_base_patch16_224.orig_in21k_ft_in1k vit_base_patch16_224.augreg_in1k vit_base_patch16_224.dino vit_base_patch16_224.mae")]
    [InlineData("*_patch16_*.dino", "vit_small_patch16_224.dino vit_base_patch16_224.dino")]
    [InlineData("vit_small_*dinov2", "vit_small_patch14_dinov2 vit_small_patch14_reg4_dinov2")]
    [InlineData("cait_*_64 nano", "cait_nano_patch8_64")]
    [InlineData("deit_tiny_patch1?_224", "deit_tiny_patch16_224")]
    [InlineData("deit_[st]*_distilled_*", "deit_tiny_distilled_patch16_224 deit_small_distilled_patch16_224")]
    [InlineData("deit_[!n-z]*_distilled_*", "deit_base_distilled_patch16_224")]
    [InlineData("deit_[z-a]*", "")]
    [InlineData("deit_[s", "")]
    [InlineData("dino*", "")]
    public void Patterns_are_whole_names_as_timms_list_models_takes_them_and_name_the_tags_that_they_need(string filter, string found) =>
        Assert.Equal(found, string.Join(' ', ModelCatalog.Search(filter).Select(entry => entry.Weights is { } weights && weights != entry.Published[0] ? $"{entry.Name}.{weights.Tag}" : entry.Name)));

    [Fact]
    public void Models_without_weights_can_be_left_out()
    {
        Assert.Equal("deit_nano_patch8_64", Assert.Single(ModelCatalog.Search("deit_nano", pretrained: true)).Name);
        Assert.All(ModelCatalog.Search(null, pretrained: true), entry => Assert.NotNull(entry.Weights));
        Assert.Equal(0, Assert.Single(ModelCatalog.Search("vit_base_patch16_224.dino")).Spec.Classes);
    }

    public static TheoryData<string> Nano => [.. NanoModels.All.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Nano))]
    public void Nano_model_runs_and_its_teacher_fits_its_student(string name)
    {
        using var model = ModelCatalog.Create(name);
        using var images = TorchSharp.torch.zeros(1, 3, model.Spec.ImageSize.Height, model.Spec.ImageSize.Width);
        using var output = model.ForwardIntermediates(images, null);

        Assert.Equal([1, 10], output.Logits.shape);
        Assert.Equal(model.Blocks.Select(block => new long[] { 1, block.Channels, block.Height, block.Width }),
            output.Maps.Select(map => map.Values.shape));
        if (name.StartsWith("deit", StringComparison.Ordinal))
        {
            var teacher = ModelCatalog.Find(name.Replace("deit", "cait", StringComparison.Ordinal)).Blocks[0];
            Assert.Equal((teacher.Height, teacher.Width), (model.Blocks[0].Height, model.Blocks[0].Width));
            Assert.True(teacher.Channels >= model.Blocks[0].Channels, "the alignment loss needs a teacher at least as wide");
        }
    }

    [Fact]
    public void Classes_image_size_and_drop_path_can_be_chosen()
    {
        using var model = ModelCatalog.Create("deit_nano_patch8_64", classes: 7, imageSize: 96, dropPath: 0.1);
        using var images = TorchSharp.torch.zeros(1, 3, 96, 96);
        using var output = model.ForwardIntermediates(images, [0]);

        Assert.Equal([1, 7], output.Logits.shape);
        Assert.Equal([1, 24, 12, 12], output.Maps.Single().Values.shape);
        Assert.Equal(0.1, model.Spec.DropPathRate);
    }

    [Theory]
    [InlineData("deit_tiny_patch16_224", -1, 224, "-1 classes")]
    [InlineData("cait_xxs24_224", -1, 224, "-1 classes: give at least 1, or 0 for a model without a head")]
    [InlineData("deit_tiny_patch16_224", 10, 225, "use an image size of 224 or 240")]
    [InlineData("deit_tiny_patch16_224", 10, 0, "image size 0")]
    [InlineData("swin_tiny_patch4_window7_224", 10, 12, "too many for 12 px")]
    [InlineData("swin_tiny_patch4_window7_224", 10, 116, "cannot shift windows of 7")]
    public void Sizes_that_do_not_fit_are_refused_in_words(string name, int classes, int size, string words)
    {
        var error = Assert.Throws<SpectralKDException>(() => ModelCatalog.Create(name, classes, size));

        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
    }
}
