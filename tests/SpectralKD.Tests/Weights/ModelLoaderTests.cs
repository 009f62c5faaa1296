using System.Security.Cryptography;

namespace SpectralKD.Tests.Weights;

public sealed class ModelLoaderTests : IDisposable
{
    private const string Vit = "deit_nano_patch4_32";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Seeds_choose_the_weights()
    {
        using var scope = NewDisposeScope();
        using var one = Load(Vit, "seeded:1");
        using var same = Load(Vit, "seeded:1");
        using var other = Load(Vit, "seeded:2");
        Assert.Equal(Values(one), Values(same));
        Assert.NotEqual(Values(one), Values(other));
        Assert.False(one.training);
    }

    [Theory]
    [InlineData("deit_nano_patch4_32")]
    [InlineData("cait_nano_patch4_32")]
    [InlineData("swin_nano_patch2_window4_32")]
    public void What_was_saved_is_loaded_again(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Load(name, "seeded:5");
        var path = folder.File($"{name}.safetensors");
        ModelLoader.Save(model, path);
        using var again = Load(name, path);
        Assert.Equal(model.state_dict().Keys, again.state_dict().Keys);
        foreach (var (key, value) in model.state_dict())
        {
            Assert.True(value.Equals(again.state_dict()[key]), key);
        }
    }

    [Fact]
    public void A_file_brings_its_own_number_of_classes()
    {
        using var model = Load(Vit, Saved(classes: 7));
        Assert.Equal(7, model.Spec.Classes);
    }

    [Fact]
    public void Another_number_of_classes_gets_a_fresh_head_and_keeps_the_rest()
    {
        using var scope = NewDisposeScope();
        var path = Saved(classes: 7);
        using var model = Load(Vit, path, new ModelLoadOptions { Classes = 3 });
        using var file = WeightsFile.Open(path);
        Assert.Equal([3L, file.Tensors["head.weight"].Shape[1]], model.state_dict()["head.weight"].shape);
        Assert.True(model.state_dict()["head.weight"].abs().sum().item<float>() > 0, "the fresh head is all zero");
        Assert.True(model.state_dict()["pos_embed"].Equals(file.Read("pos_embed")));
    }

    [Fact]
    public void Another_image_size_interpolates_the_position_embedding()
    {
        using var model = Load(Vit, Saved(classes: 7), new ModelLoadOptions { ImageSize = 64 });
        Assert.Equal(64, model.Spec.ImageSize);
        Assert.Equal(1 + (16 * 16), model.state_dict()["pos_embed"].shape[1]);
    }

    [Fact]
    public void Weights_of_another_model_are_refused_by_name()
    {
        var error = Assert.Throws<SpectralKDException>(() => Load("cait_xxs24_224", Saved(classes: 7)));
        Assert.Contains("do not fit the model cait_xxs24_224", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("weights.safetensors")]
    [InlineData("checkpoint_plain.pth")]
    [InlineData("checkpoint_model.pth")]
    public void Golden_files_of_each_format_fill_a_model(string name)
    {
        using var scope = NewDisposeScope();
        using var model = ModelCatalog.Create(GoldenVit(), seed: null);
        using var file = WeightsFile.Open(SharedData.Golden("small", "vit", name));
        var report = WeightLoader.Load(model, file);
        Assert.Empty(report.FreshHead);
        Assert.Empty(report.Resized);
        foreach (var (key, value) in model.state_dict())
        {
            Assert.True(value.Equals(file.Read(key)), key);
        }
    }

    [Fact]
    public void A_swin_checkpoint_of_its_authors_loads_as_timm_loads_it()
    {
        using var scope = NewDisposeScope();
        const string name = "swin_nano_patch2_window4_32";
        using var model = Load(name, "seeded:4");
        var original = model.state_dict().ToDictionary(pair => OriginalSwin(pair.Key), pair => pair.Value);
        original["layers.0.blocks.1.attn_mask"] = zeros(4, 16, 16);
        original["layers.0.blocks.0.attn.relative_position_index"] = zeros([16, 16], ScalarType.Int64);
        var path = folder.File("original.safetensors");
        SafetensorsWriter.Write(path, original);
        using var again = Load(name, path);
        foreach (var (key, value) in model.state_dict())
        {
            Assert.True(value.Equals(again.state_dict()[key]), key);
        }
    }

    [Fact]
    public void Nano_models_have_no_published_weights_and_say_what_to_use() =>
        Assert.Contains("no published weights; use weights seeded",
            Assert.Throws<SpectralKDException>(() => Load(Vit, "pretrained")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("pretrained", typeof(WeightSource.Pretrained))]
    [InlineData(" Seeded ", typeof(WeightSource.Seeded))]
    [InlineData("seeded:-3", typeof(WeightSource.Seeded))]
    [InlineData("runs/best.safetensors", typeof(WeightSource.LocalFile))]
    [InlineData("a.pth", typeof(WeightSource.LocalFile))]
    [InlineData("a.pth#ema", typeof(WeightSource.LocalFile))]
    [InlineData("hf-hub:timm/vit@v2", typeof(WeightSource.Hub))]
    public void Sources_are_told_apart(string text, Type expected) => Assert.IsType(expected, WeightSource.Parse(text));

    [Fact]
    public void Sources_keep_their_parts()
    {
        Assert.Equal(new WeightSource.Seeded(-3), WeightSource.Parse("seeded:-3"));
        Assert.Equal(new WeightSource.LocalFile("Dir/A.pth", Ema: true), WeightSource.Parse("Dir/A.pth#ema"));
        Assert.Equal(new WeightSource.Hub("timm/vit", "v2"), WeightSource.Parse("hf-hub:timm/vit@v2"));
    }

    [Theory]
    [InlineData("sedeed", "pretrained, seeded")]
    [InlineData("", "pretrained, seeded")]
    [InlineData("seeded:x", "seeded:3")]
    [InlineData("hf-hub:vit", "hf-hub:timm/")]
    public void An_unknown_source_is_an_error_that_shows_a_known_one(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<SpectralKDException>(() => WeightSource.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_model_from_a_file_knows_its_path_and_hash()
    {
        var path = Saved(classes: 7);
        using var model = Load(Vit, path);
        var expected = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))).ToLowerInvariant();
        Assert.Equal((WeightsKind.File, Path.GetFullPath(path), expected), (model.Origin.Kind, model.Origin.Name, model.Origin.Sha256));
        Assert.Empty(model.Origin.Notes);
        Assert.False(model.Origin.FreshHead);
    }

    [Fact]
    public void A_model_from_the_package_knows_its_embedded_name()
    {
        using var model = Load("deit_nano_patch8_64", "pretrained");
        Assert.Equal((WeightsKind.Embedded, "deit_nano_patch8_64.spectralkd_textures"), (model.Origin.Kind, model.Origin.Name));
    }

    [Fact]
    public void A_fresh_head_is_said()
    {
        using var model = Load(Vit, Saved(classes: 7), new ModelLoadOptions { Classes = 3 });
        Assert.True(model.Origin.FreshHead);
        Assert.StartsWith("the head (3 classes) is fresh: its weights are random, its logits mean nothing (the file's has 7 classes)",
            Assert.Single(model.Origin.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_backbone_without_a_head_loads_and_says_that_its_head_is_fresh()
    {
        using var scope = NewDisposeScope();
        using var whole = Load(Vit, "seeded:9");
        var path = folder.File("headless.safetensors");
        SafetensorsWriter.Write(path, whole.state_dict().Where(pair => !CheckpointRules.IsHead(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value));
        using var model = Load(Vit, path);
        Assert.True(model.Origin.FreshHead);
        Assert.Contains("the file has no head", Assert.Single(model.Origin.Notes), StringComparison.Ordinal);
        Assert.True(model.state_dict()["head.weight"].abs().sum().item<float>() > 0, "the fresh head is all zero");
    }

    [Fact]
    public void Resized_position_tables_are_said()
    {
        using var model = Load(Vit, Saved(classes: 7), new ModelLoadOptions { ImageSize = 64 });
        Assert.Equal("1 tensor (pos_embed) interpolated to images of 64 pixels", Assert.Single(model.Origin.Notes));
    }

    [Fact]
    public void Weights_that_are_not_finite_are_said_with_the_first_key_and_their_number()
    {
        using var scope = NewDisposeScope();
        using var whole = Load(Vit, "seeded:9");
        whole.state_dict()["blocks.1.norm1.weight"].detach().bytes[..8].Fill(0xff);
        var path = folder.File("nan.safetensors");
        ModelLoader.Save(whole, path);
        using var model = Load(Vit, path);
        Assert.Equal("WEIGHTS ARE NOT FINITE: 2 numbers are NaN or infinite, in 1 tensor (blocks.1.norm1.weight)", Assert.Single(model.Origin.Notes));
    }

    [Fact]
    public void Weights_loaded_over_a_seeded_model_end_its_being_untrained()
    {
        using var model = ModelCatalog.Create(Vit, classes: 7);
        using var file = WeightsFile.Open(Saved(classes: 7));
        Assert.True(model.Origin.IsUntrained);
        WeightLoader.Load(model, file);
        Assert.Equal(WeightsKind.File, model.Origin.Kind);
    }

    private static VisionModel Load(string name, string weights, ModelLoadOptions? options = null) =>
        ModelLoader.Load(name, (options ?? new ModelLoadOptions()) with { Weights = weights, Device = CPU });

    private string Saved(int classes)
    {
        using var model = Load(Vit, "seeded:9", new ModelLoadOptions { Classes = classes });
        var path = folder.File($"classes-{classes}.safetensors");
        ModelLoader.Save(model, path);
        return path;
    }

    private static float[] Values(VisionModel model) => model.state_dict()["blocks.0.attn.qkv.weight"].data<float>().ToArray();

    private static string OriginalSwin(string key)
    {
        for (var stage = 1; stage < 4; stage++)
        {
            key = key.Replace($"layers.{stage}.downsample", $"layers.{stage - 1}.downsample", StringComparison.Ordinal);
        }

        return key.Replace("head.fc.", "head.", StringComparison.Ordinal);
    }

    private static VisionTransformerSpec GoldenVit() =>
        new() { Name = "golden", ImageSize = 64, PatchSize = 16, EmbedDim = 36, Depth = 4, Heads = 3, Classes = 10 };
}
