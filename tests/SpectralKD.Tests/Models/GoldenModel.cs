using System.Text.Json;

namespace SpectralKD.Tests.Models;

/// <summary>One case of the golden vectors: a small model of timm with weights and input by the generator.</summary>
internal sealed class GoldenModel
{
    private static readonly string[] Sets = ["small", "small2"];
    private readonly string _set;
    private readonly string _case;
    private readonly JsonElement _config;

    public GoldenModel(string @case)
    {
        _set = Sets.FirstOrDefault(set => SharedData.GoldenCases(set).Contains(@case)) ?? Sets[0];
        _case = @case;
        using var config = JsonDocument.Parse(File.ReadAllText(FileOf("config.json")));
        _config = config.RootElement.Clone();
        Spec = ReadSpec(@case, ClassOf(_config), _config.GetProperty("kwargs"));
    }

    /// <summary>All cases that lie there, of both sets.</summary>
    public static IReadOnlyList<string> Cases => [.. Sets.SelectMany(SharedData.GoldenCases)];

    public ModelSpec Spec { get; }

    public long Parameters => _config.GetProperty("params").GetInt64();

    public double LogitTolerance => Tolerance("logits", 3e-5);

    public double MapTolerance => Tolerance("blocks", 5e-5);

    /// <summary>timm's <c>no_weight_decay()</c>; null where the case does not say.</summary>
    public IReadOnlyList<string>? NoWeightDecay => _config.TryGetProperty("no_weight_decay", out var names)
        ? [.. names.EnumerateArray().Select(name => name.GetString()!)]
        : null;

    /// <summary>How far a gradient's length may be off: tighter in the second set, as its description says.</summary>
    public double GradientTolerance(double length) => _set == "small" ? (length * 2e-4) + 2e-6 : (length * 1e-4) + 1e-6;

    /// <summary>The epsilon of a norm, by the norm's name; null where the case does not say.</summary>
    public double? Epsilon(string norm) => !_config.TryGetProperty("layernorm_eps", out var epsilons) ? null
        : epsilons.ValueKind == JsonValueKind.Number ? epsilons.GetDouble()
        : epsilons.TryGetProperty(norm, out var epsilon) ? epsilon.GetDouble() : null;

    /// <summary>timm's keys in timm's order, with their shapes.</summary>
    public IReadOnlyList<(string Key, long[] Shape)> Keys => [.. _config.GetProperty("state_dict").EnumerateArray().Select(entry =>
        (entry[0].GetString()!, entry[1].EnumerateArray().Select(size => size.GetInt64()).ToArray()))];

    public IReadOnlyList<long[]> BlockShapes => [.. _config.GetProperty("block_shapes").EnumerateArray()
        .Select(shape => shape.EnumerateArray().Select(size => size.GetInt64()).ToArray())];

    public JsonElement Gradients => JsonDocument.Parse(File.ReadAllText(FileOf("grads.json"))).RootElement;

    public Dictionary<string, Tensor> Expected => GoldenTensors.Read(FileOf("expected.safetensors"));

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
        long[] shape = [2, 3, Spec.ImageSize.Height, Spec.ImageSize.Width];
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

    private string FileOf(string name) => SharedData.Golden(_set, _case, name);

    private static string ClassOf(JsonElement config) => (config.TryGetProperty("timm_class", out var type) ? type : config.GetProperty("class_name")).GetString()!;

    private double Tolerance(string what, double usual) =>
        _config.TryGetProperty("suggested_tolerance", out var own) ? own.GetProperty(what).GetDouble() : usual;

    public static ModelSpec ReadSpec(string name, string type, JsonElement kwargs) => type switch
    {
        _ when GoldenHierarchies.Read(name, type, kwargs) is { } hierarchy => hierarchy,
        "Cait" => new CaitSpec
        {
            Name = name,
            ImageSize = Size(kwargs),
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
            ImageSize = Size(kwargs),
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
            ImageSize = Size(kwargs),
            PatchSize = Int("patch_size", kwargs),
            EmbedDim = Int("embed_dim", kwargs),
            Depth = Int("depth", kwargs),
            Heads = Int("num_heads", kwargs),
            Classes = Int("num_classes", kwargs),
            Distilled = type == "VisionTransformerDistilled",
            LayerScale = Get("init_values", kwargs)?.GetDouble(),
            MlpRatio = Get("mlp_ratio", kwargs)?.GetDouble() ?? 4,
            ClassToken = Flag("class_token", kwargs, true),
            RegisterTokens = Get("reg_tokens", kwargs)?.GetInt32() ?? 0,
            ClassPosition = !Flag("no_embed_class", kwargs, false),
            PreNorm = Flag("pre_norm", kwargs, false),
            QkvBias = Flag("qkv_bias", kwargs, true),
            FcNorm = Get("fc_norm", kwargs)?.GetBoolean(),
            FinalNorm = Flag("final_norm", kwargs, true),
            Epsilon = Get("norm_layer", kwargs)?.GetString() == "LayerNorm (eps 1e-5)" ? 1e-5 : 1e-6,
            Activation = Get("act_layer", kwargs)?.GetString() switch
            {
                "quick_gelu" => Activation.QuickGelu,
                "gelu_tanh" => Activation.GeluTanh,
                _ => Activation.Gelu,
            },
            MlpKind = Get("mlp_layer", kwargs)?.GetString() is { } kind && kind.Contains("SwiGLUPacked", StringComparison.Ordinal) ? MlpKind.SwiGluPacked : MlpKind.Plain,
            Pool = Get("global_pool", kwargs)?.GetString() switch
            {
                "avg" => TokenPooling.Average,
                "map" => TokenPooling.Map,
                _ => TokenPooling.Token,
            },
        },
    };

    private static ImageSize Size(JsonElement kwargs) => kwargs.GetProperty("img_size") is { ValueKind: JsonValueKind.Array } sides
        ? new ImageSize(sides[0].GetInt32(), sides[1].GetInt32()) : Int("img_size", kwargs);

    private static JsonElement? Get(string name, JsonElement kwargs) => kwargs.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static bool Flag(string name, JsonElement kwargs, bool usual) => Get(name, kwargs)?.GetBoolean() ?? usual;

    private static int Int(string name, JsonElement kwargs) => kwargs.GetProperty(name).GetInt32();

    private static int[] Ints(string name, JsonElement kwargs) => [.. kwargs.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];
}
