using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Weights;

/// <summary>Weights as other libraries lay them out: several files with an index, Hugging Face transformers' keys, folders with a configuration.</summary>
public sealed class WeightLayoutsTests : IDisposable
{
    private static readonly VisionTransformerSpec Plain = new() { Name = "vit_small", ImageSize = 32, PatchSize = 8, EmbedDim = 24, Depth = 2, Heads = 3, Classes = 5 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Layouts => [.. Models.Keys];

    // A model of ours, and its weights as transformers writes that architecture.
    private static Dictionary<string, (ModelSpec Spec, string Prefix, Func<string, string?> Rename)> Models { get; } = new()
    {
        ["vit"] = (Plain, "vit.", key => Vit(key, "classifier")),
        ["a backbone alone"] = (Plain with { Classes = 0 }, "", key => Vit(key, "classifier")),
        ["deit distilled"] = (Plain with { Name = "deit_small", Distilled = true }, "deit.", key => Vit(key, "cls_classifier")),
        ["dinov2"] = (Plain with { LayerScale = 1e-5, Classes = 0 }, "dinov2.", DinoV2),
        ["dinov2 with registers"] = (Plain with { LayerScale = 1e-5, Classes = 0, RegisterTokens = 4, ClassPosition = false }, "dinov2_with_registers.", DinoV2),
        ["dinov2 giant's mlp"] = (Plain with { LayerScale = 1e-5, Classes = 0, MlpKind = MlpKind.SwiGluPacked }, "", DinoV2),
        ["swin"] = (new SwinSpec { Name = "swin_small", ImageSize = 32, PatchSize = 2, WindowSize = 4, EmbedDim = 12, Depths = [2, 2], Heads = [2, 4], Classes = 5 }, "swin.", SwinKey),
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Transformers_layouts_load_to_the_same_logits(string layout)
    {
        var (spec, prefix, rename) = Models[layout];
        using var model = ModelCatalog.Create(spec, seed: 3);
        Vary(model);
        var stored = Transformers(model, prefix, rename);
        stored["pooler.dense.weight"] = zeros(24, 24);
        SafetensorsWriter.Write(_folder.File("model.safetensors"), stored);
        using var again = ModelCatalog.Create(spec, seed: 4);
        using var weights = WeightsFile.Open(_folder.Root);
        WeightLoader.Load(again, weights);
        AssertSame(model, again);
        Assert.Contains("keys in Hugging Face transformers' layout, read as timm's", again.Origin.Notes);
        Assert.Contains(again.Origin.Notes, note => note.Contains("pooler.dense.weight", StringComparison.Ordinal));
    }

    [Fact]
    public void DinoV2_s_own_file_with_registers_gives_the_class_token_its_position()
    {
        var (spec, _, _) = Models["dinov2 with registers"];
        using var model = ModelCatalog.Create(spec, seed: 3);
        Vary(model);
        var state = model.state_dict();
        var position = ones(1, 1, 24) * 0.25;
        state["register_tokens"] = state["reg_token"];
        state.Remove("reg_token");
        state["mask_token"] = zeros(1, 24);
        state["pos_embed"] = cat([position, state["pos_embed"]], 1);
        state["cls_token"] = state["cls_token"] - position;
        SafetensorsWriter.Write(_folder.File("dinov2.safetensors"), state);
        using var again = ModelCatalog.Create(spec, seed: 4);
        using var weights = WeightsFile.Open(_folder.File("dinov2.safetensors"));
        WeightLoader.Load(again, weights);
        AssertSame(model, again, 1e-6);
    }

    [Fact]
    public void A_layout_whose_parts_do_not_fit_together_is_refused_in_one_line()
    {
        var (spec, prefix, rename) = Models["vit"];
        using var model = ModelCatalog.Create(spec, seed: 3);
        var stored = Transformers(model, prefix, rename);
        stored.Remove("vit.encoder.layer.1.attention.attention.value.weight");
        SafetensorsWriter.Write(_folder.File("broken.safetensors"), stored);
        var error = Assert.Throws<SpectralKDException>(() => WeightsFile.Open(_folder.File("broken.safetensors")));
        Assert.Contains("but no 'vit.encoder.layer.1.attention.attention.value.weight'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_are_read_by_their_index_and_by_their_folder()
    {
        using var model = ModelCatalog.Create(Plain, seed: 3);
        WriteShards(model);
        foreach (var path in new[] { _folder.Root, _folder.File("model.safetensors.index.json") })
        {
            using var again = ModelCatalog.Create(Plain, seed: 4);
            using var weights = WeightsFile.Open(path);
            WeightLoader.Load(again, weights);
            AssertSame(model, again);
            Assert.Contains("weights in 2 files by model.safetensors.index.json", again.Origin.Notes);
            Assert.Equal(64, again.Origin.Sha256!.Length);
        }
    }

    [Fact]
    public void A_change_in_any_shard_changes_the_hash_that_the_origin_tells()
    {
        using var model = ModelCatalog.Create(Plain, seed: 3);
        WriteShards(model);
        var before = Hash();
        using var other = ModelCatalog.Create(Plain, seed: 5);
        SafetensorsWriter.Write(_folder.File("model-00002-of-00002.safetensors"), Halves(other).Second);
        Assert.NotEqual(before, Hash());

        string Hash()
        {
            using var again = ModelCatalog.Create(Plain, seed: 4);
            using var weights = WeightsFile.Open(_folder.Root);
            WeightLoader.Load(again, weights);
            return again.Origin.Sha256!;
        }
    }

    [Theory]
    [InlineData("{}", "it has no \"weight_map\"")]
    [InlineData("{\"weight_map\": {}}", "its \"weight_map\" is empty")]
    [InlineData("[", "it is no JSON")]
    [InlineData("{\"weight_map\": {\"a\": 3}}", "the shard of 'a' is no text")]
    [InlineData("{\"weight_map\": {\"a\": \"../b.safetensors\"}}", "the shard '../b.safetensors' is no name of a file in its folder")]
    [InlineData("{\"weight_map\": {\"a\": \"C:b.safetensors\"}}", "is no name of a file in its folder")]
    [InlineData("{\"weight_map\": {\"a\": \"pytorch_model-00001-of-00002.bin\"}}", "is no .safetensors file: convert it")]
    [InlineData("{\"weight_map\": {\"a\": \"lost.safetensors\"}}", "names the shard 'lost.safetensors', which is not beside it")]
    [InlineData("{\"weight_map\": {\"a\": \"whole.safetensors\", \"c\": \"whole.safetensors\"}}", "has no tensor 'c'")]
    [InlineData("{\"weight_map\": {\"a\": \"whole.safetensors\"}}", "holds 'b', of which")]
    public void A_wrong_index_is_refused_in_one_line(string index, string expected)
    {
        SafetensorsWriter.Write(_folder.File("whole.safetensors"), new Dictionary<string, Tensor> { ["a"] = zeros(1), ["b"] = zeros(1) });
        File.WriteAllText(_folder.File("model.safetensors.index.json"), index);
        var error = Assert.Throws<SpectralKDException>(() => WeightsFile.Open(_folder.File("model.safetensors.index.json")));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_folder_without_weights_says_what_it_looked_for() =>
        Assert.Contains("model.safetensors, model.safetensors.index.json, pytorch_model.bin", Assert.Throws<SpectralKDException>(() => WeightsFile.Open(_folder.Root)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_saved_folder_keeps_a_size_that_is_no_square()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Weights = "seeded:3", ImageSize = new ImageSize(48, 64), Device = CPU });
        ModelLoader.SavePretrained(model, _folder.Root);
        using var again = ModelLoader.Load("local-dir:" + _folder.Root, new ModelLoadOptions { Device = CPU });
        Assert.Equal(model.Spec, again.Spec);
        Assert.Contains("\"img_size\": [", File.ReadAllText(_folder.File("config.json")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deit_nano_patch8_64", 10)]
    [InlineData("cait_nano_patch4_32", 3)]
    [InlineData("swin_nano_patch4_window4_64", 10)]
    [InlineData("deit_tiny_distilled_patch16_224", 7)]
    [InlineData("vit_tiny_patch16_224", 1000)]
    [InlineData("pvt_v2_nano_64", 10)]
    [InlineData("twins_svt_nano_patch4_window4_64", 3)]
    [InlineData("twins_pcpvt_nano_patch2_32", 10)]
    [InlineData("beit_nano_patch8_64", 10)]
    [InlineData("swinv2_nano_patch4_window4_64", 3)]
    [InlineData("hiera_nano_64", 10)]
    public void A_saved_folder_opens_as_the_same_model(string name, int classes)
    {
        using var model = ModelLoader.Load(name, new ModelLoadOptions { Weights = "seeded:3", Classes = classes, Device = CPU });
        var folder = _folder.File("saved/model");
        ModelLoader.SavePretrained(model, folder);
        using var again = ModelLoader.Load("local-dir:" + folder, new ModelLoadOptions { Device = CPU });
        Assert.Equal(model.Spec, again.Spec);
        Assert.Equal(WeightHash.Of(model), WeightHash.Of(again));
        Assert.Equal(WeightsKind.File, again.Origin.Kind);
        using var smaller = ModelLoader.Load("local-dir:" + folder, new ModelLoadOptions { Device = CPU, Classes = 2 });
        Assert.True(smaller.Origin.FreshHead);
    }

    [Theory]
    [InlineData("pvt_v2_nano_32")]
    [InlineData("beit_nano_patch4_32")]
    [InlineData("hiera_nano_32")]
    [InlineData("crossformer_nano_patch2_group4_32")]
    public void Weights_of_each_family_are_saved_and_found_again_in_a_file(string name)
    {
        using var model = ModelLoader.Load(name, new ModelLoadOptions { Weights = "seeded:3", Device = CPU });
        var path = _folder.File("model.safetensors");
        ModelLoader.Save(model, path);
        using var again = ModelLoader.Load(name, new ModelLoadOptions { Weights = path, Device = CPU });
        Assert.Equal(WeightHash.Of(model), WeightHash.Of(again));
    }

    [Theory]
    [InlineData("pvt_v2_nano_32", @"^stages\.(\d)\.blocks\.", "block{0}.", @"^stages\.(\d)\.norm\.", "norm{0}.", @"^stages\.(\d)\.downsample\.", "patch_embed{0}.", "^patch_embed\\.", "patch_embed1.", "dwconv", "dwconv.dwconv")]
    [InlineData("hiera_nano_32", "^head\\.norm\\.", "norm.", "^head\\.fc\\.", "head.projection.")]
    public void Files_in_the_layout_of_the_authors_are_read(string name, params string[] renames)
    {
        using var model = ModelLoader.Load(name, new ModelLoadOptions { Weights = "seeded:3", Device = CPU });
        var path = _folder.File("original.safetensors");
        SafetensorsWriter.Write(path, model.state_dict().ToDictionary(entry => renames.Chunk(2).Aggregate(entry.Key, (key, rename) => Regex.Replace(
            key, rename[0], match => string.Format(CultureInfo.InvariantCulture, rename[1], match.Groups.Count > 1 ? int.Parse(match.Groups[1].Value) + 1 : 0))), entry => entry.Value));
        using var again = ModelLoader.Load(name, new ModelLoadOptions { Weights = path, Device = CPU });
        Assert.Equal(WeightHash.Of(model), WeightHash.Of(again));
    }

    [Fact]
    public void The_configuration_is_what_timm_reads()
    {
        using var model = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Device = CPU });
        ModelLoader.SavePretrained(model, _folder.Root);
        var config = JsonNode.Parse(File.ReadAllText(_folder.File("config.json")))!;
        Assert.Equal("vit_tiny_patch16_224", (string)config["architecture"]!);
        Assert.Equal(10, (int)config["num_classes"]!);
        Assert.Equal("{\"patch_size\":8,\"embed_dim\":24,\"img_size\":64}", config["model_args"]!.ToJsonString());
        Assert.Equal("[3,64,64]", config["pretrained_cfg"]!["input_size"]!.ToJsonString());
        Assert.Equal("[0.485,0.456,0.406]", config["pretrained_cfg"]!["mean"]!.ToJsonString());
        Assert.Equal(0.9, (double)config["pretrained_cfg"]!["crop_pct"]!);
        Assert.Equal("head", (string)config["pretrained_cfg"]!["classifier"]!);
        using var swin = ModelCatalog.Create("swin_tiny_patch4_window7_224", imageSize: 112);
        ModelLoader.SavePretrained(swin, _folder.Root);
        config = JsonNode.Parse(File.ReadAllText(_folder.File("config.json")))!;
        Assert.Equal("swin_tiny_patch4_window7_224", (string)config["architecture"]!);
        Assert.Equal("{\"img_size\":112}", config["model_args"]!.ToJsonString());
        Assert.Equal("head.fc", (string)config["pretrained_cfg"]!["classifier"]!);
    }

    [Fact]
    public void A_folder_that_names_no_model_or_a_model_that_timm_lacks_is_refused_in_one_line()
    {
        File.WriteAllText(_folder.File("config.json"), "{\"model_type\": \"vit\", \"hidden_size\": 768}");
        Assert.Contains("a transformers model of type vit: name the model, and the folder as its weights", Message(() => ModelLoader.Load("local-dir:" + _folder.Root)), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("config.json"), "{\"architecture\": \"vit_tiny_patch16_224\", \"pretrained_cfg\": {\"input_size\": [3, \"a\", 1]}}");
        Assert.Contains("is damaged", Message(() => ModelLoader.Load("local-dir:" + _folder.Root)), StringComparison.Ordinal);
        Assert.Contains("has no config.json", Message(() => ModelLoader.Load("local-dir:" + _folder.File("none"))), StringComparison.Ordinal);
        using var own = VisionModel.From(nn.Sequential(("conv", nn.Conv2d(3, 4, 8, stride: 8)), ("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten())), 32, ["conv"]);
        Assert.Contains("timm has no Sequential", Message(() => ModelLoader.SavePretrained(own, _folder.File("own"))), StringComparison.Ordinal);

        static string Message(Action action) => Assert.Throws<SpectralKDException>(action).Message;
    }

    private void WriteShards(VisionModel model)
    {
        var (first, second) = Halves(model);
        SafetensorsWriter.Write(_folder.File("model-00001-of-00002.safetensors"), first);
        SafetensorsWriter.Write(_folder.File("model-00002-of-00002.safetensors"), second);
        var map = new JsonObject();
        first.Keys.ToList().ForEach(key => map[key] = "model-00001-of-00002.safetensors");
        second.Keys.ToList().ForEach(key => map[key] = "model-00002-of-00002.safetensors");
        File.WriteAllText(_folder.File("model.safetensors.index.json"), new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 1 }, ["weight_map"] = map }.ToJsonString());
    }

    private static (Dictionary<string, Tensor> First, Dictionary<string, Tensor> Second) Halves(VisionModel model)
    {
        var state = model.state_dict();
        return (state.Take(state.Count / 2).ToDictionary(), state.Skip(state.Count / 2).ToDictionary());
    }

    // Distinct values everywhere, so that no two tensors can be exchanged unnoticed.
    private static void Vary(VisionModel model)
    {
        using var guard = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
        {
            parameter.copy_(tensor(GoldenValues.Generate(name, (int)parameter.numel(), 0.2, 0.05), parameter.shape));
        }
    }

    private static Dictionary<string, Tensor> Transformers(VisionModel model, string prefix, Func<string, string?> rename)
    {
        var stored = new Dictionary<string, Tensor>();
        var registers = model.state_dict().ContainsKey("reg_token");
        foreach (var (key, value) in model.state_dict())
        {
            var name = rename(key) ?? throw new InvalidOperationException(key);
            name = name.Contains("classifier", StringComparison.Ordinal) ? name : prefix + name;
            if (name.Contains("QKV", StringComparison.Ordinal))
            {
                foreach (var (part, i) in new[] { "query", "key", "value" }.Select((part, i) => (part, i)))
                {
                    stored[name.Replace("QKV", part, StringComparison.Ordinal)] = value.chunk(3)[i].clone();
                }
            }
            else
            {
                stored[name] = registers && key == "pos_embed" ? cat([zeros(1, 1, value.shape[2]), value], 1) : value;
            }
        }

        return stored;
    }

    private static string? Vit(string key, string head) => key.Split('.') switch
    {
        ["cls_token"] => "embeddings.cls_token",
        ["dist_token"] => "embeddings.distillation_token",
        ["reg_token"] => "embeddings.register_tokens",
        ["pos_embed"] => "embeddings.position_embeddings",
        ["patch_embed", "proj", var last] => $"embeddings.patch_embeddings.projection.{last}",
        ["patch_embed", "norm", var last] => $"embeddings.norm.{last}",
        ["norm", var last] => $"layernorm.{last}",
        ["head", var last] => $"{head}.{last}",
        ["head_dist", var last] => $"distillation_classifier.{last}",
        ["blocks", var i, "attn", "qkv", var last] => $"encoder.layer.{i}.attention.attention.QKV.{last}",
        ["blocks", var i, "attn", "proj", var last] => $"encoder.layer.{i}.attention.output.dense.{last}",
        ["blocks", var i, "mlp", "fc1", var last] => $"encoder.layer.{i}.intermediate.dense.{last}",
        ["blocks", var i, "mlp", "fc2", var last] => $"encoder.layer.{i}.output.dense.{last}",
        ["blocks", var i, "norm1", var last] => $"encoder.layer.{i}.layernorm_before.{last}",
        ["blocks", var i, "norm2", var last] => $"encoder.layer.{i}.layernorm_after.{last}",
        _ => null,
    };

    private static string? DinoV2(string key) => key.Split('.') switch
    {
        ["blocks", var i, "mlp", "fc1", var last] => $"encoder.layer.{i}.mlp.weights_in.{last}",
        ["blocks", var i, "mlp", "fc2", var last] => $"encoder.layer.{i}.mlp.fc2.{last}",
        ["blocks", var i, ("norm1" or "norm2") and var norm, var last] => $"encoder.layer.{i}.{norm}.{last}",
        ["blocks", var i, "ls1", "gamma"] => $"encoder.layer.{i}.layer_scale1.lambda1",
        ["blocks", var i, "ls2", "gamma"] => $"encoder.layer.{i}.layer_scale2.lambda1",
        _ => Vit(key, "classifier"),
    };

    private static string? SwinKey(string key) => key.Split('.') switch
    {
        ["layers", var s, "downsample", var part, var last] => $"encoder.layers.{int.Parse(s, System.Globalization.CultureInfo.InvariantCulture) - 1}.downsample.{part}.{last}",
        ["layers", var s, "blocks", var i, "attn", "qkv", var last] => $"encoder.layers.{s}.blocks.{i}.attention.self.QKV.{last}",
        ["layers", var s, "blocks", var i, "attn", "relative_position_bias_table"] => $"encoder.layers.{s}.blocks.{i}.attention.self.relative_position_bias_table",
        ["layers", var s, "blocks", var i, .. var rest] => Vit("blocks.0." + string.Join('.', rest), "classifier")!.Replace("encoder.layer.0.", $"encoder.layers.{s}.blocks.{i}.", StringComparison.Ordinal),
        ["head", "fc", var last] => $"classifier.{last}",
        _ => Vit(key, "classifier"),
    };

    private static void AssertSame(VisionModel one, VisionModel other, double tolerance = 0)
    {
        one.eval();
        other.eval();
        using var guard = no_grad();
        using var images = tensor(GoldenValues.Generate("layout.images", 2 * 3 * 32 * 32, 2, 0), [2, 3, 32, 32]);
        Assert.True(one.forward(images).allclose(other.forward(images), tolerance, tolerance));
    }
}
