using System.Text.Json;

namespace SpectralKD.Tests.Models;

/// <summary>One case of the golden vectors: a small model of timm with weights and input by the generator.</summary>
internal sealed class GoldenModel
{
    private readonly string _case;
    private readonly JsonElement _config;

    public GoldenModel(string @case)
    {
        _case = @case;
        using var config = JsonDocument.Parse(File.ReadAllText(SharedData.Golden("small", @case, "config.json")));
        _config = config.RootElement.Clone();
        Spec = ReadSpec(@case, _config.GetProperty("timm_class").GetString()!, _config.GetProperty("kwargs"));
    }

    public ModelSpec Spec { get; }

    public long Parameters => _config.GetProperty("params").GetInt64();

    /// <summary>timm's keys in timm's order, with their shapes.</summary>
    public IReadOnlyList<(string Key, long[] Shape)> Keys => [.. _config.GetProperty("state_dict").EnumerateArray().Select(entry =>
        (entry[0].GetString()!, entry[1].EnumerateArray().Select(size => size.GetInt64()).ToArray()))];

    public IReadOnlyList<long[]> BlockShapes => [.. _config.GetProperty("block_shapes").EnumerateArray()
        .Select(shape => shape.EnumerateArray().Select(size => size.GetInt64()).ToArray())];

    public JsonElement Gradients => JsonDocument.Parse(File.ReadAllText(SharedData.Golden("small", _case, "grads.json"))).RootElement;

    public Dictionary<string, Tensor> Expected => GoldenTensors.Read(SharedData.Golden("small", _case, "expected.safetensors"));

    /// <summary>The model in evaluation mode with the generator's weights.</summary>
    public VisionModel Create()
    {
        var model = ModelCatalog.Create(Spec, seed: null);
        model.eval();
        Load(model);
        return model;
    }

    /// <summary>The normalised input, or the one of low variance that shows a norm's epsilon.</summary>
    public Tensor Input(double scale = 4)
    {
        long[] shape = [2, 3, Spec.ImageSize, Spec.ImageSize];
        return tensor(GoldenValues.Generate("input", shape.Aggregate(1L, (a, b) => a * b), scale), shape);
    }

    public static void Load(VisionModel model)
    {
        using var guard = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
        {
            using var values = tensor(GoldenValues.Weight(name, parameter.shape), parameter.shape);
            parameter.copy_(values);
        }
    }

    private static ModelSpec ReadSpec(string name, string type, JsonElement kwargs) => type switch
    {
        "Cait" => new CaitSpec
        {
            Name = name,
            ImageSize = Int("img_size", kwargs),
            PatchSize = Int("patch_size", kwargs),
            EmbedDim = Int("embed_dim", kwargs),
            Depth = Int("depth", kwargs),
            Heads = Int("num_heads", kwargs),
            ClassDepth = Int("depth_token_only", kwargs),
            Classes = Int("num_classes", kwargs),
            LayerScale = 1e-4,
        },
        "SwinTransformer" => new SwinSpec
        {
            Name = name,
            ImageSize = Int("img_size", kwargs),
            PatchSize = Int("patch_size", kwargs),
            EmbedDim = Int("embed_dim", kwargs),
            WindowSize = Int("window_size", kwargs),
            Depths = Ints("depths", kwargs),
            Heads = Ints("num_heads", kwargs),
            Classes = Int("num_classes", kwargs),
        },
        _ => new VisionTransformerSpec
        {
            Name = name,
            ImageSize = Int("img_size", kwargs),
            PatchSize = Int("patch_size", kwargs),
            EmbedDim = Int("embed_dim", kwargs),
            Depth = Int("depth", kwargs),
            Heads = Int("num_heads", kwargs),
            Classes = Int("num_classes", kwargs),
            Distilled = type == "VisionTransformerDistilled",
        },
    };

    private static int Int(string name, JsonElement kwargs) => kwargs.GetProperty(name).GetInt32();

    private static int[] Ints(string name, JsonElement kwargs) => [.. kwargs.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];
}
