using System.Text.Json;

namespace SpectralKD.Tests.Models;

/// <summary>Specs from the arguments that the golden vectors' models were made with; what is not given has timm's default.</summary>
internal static class GoldenHierarchies
{
    /// <summary>The spec; null for a class of another family.</summary>
    public static ModelSpec? Read(string name, string type, JsonElement kwargs) => type switch
    {
        "PyramidVisionTransformerV2" => PvtV2(name, kwargs),
        "Twins" => Twins(name, kwargs),
        "Beit" => Beit(name, kwargs),
        "SwinTransformerV2" => SwinV2(name, kwargs),
        "Hiera" => Hiera(name, kwargs),
        _ when type.StartsWith("CrossFormer", StringComparison.Ordinal) => CrossFormer(name, kwargs),
        _ => null,
    };

    private static PvtV2Spec PvtV2(string name, JsonElement kwargs)
    {
        var dims = Ints("embed_dims", kwargs, [64, 128, 256, 512]);
        return new PvtV2Spec
        {
            Name = name,
            ImageSize = Size(kwargs),
            Classes = Int("num_classes", kwargs, 1000),
            EmbedDim = dims[0],
            LaterDims = dims[1..],
            Depths = Ints("depths", kwargs, [3, 4, 6, 3]),
            Heads = Ints("num_heads", kwargs, [1, 2, 4, 8]),
            MlpRatios = Doubles("mlp_ratios", kwargs, [8, 8, 4, 4]),
            Reductions = Ints("sr_ratios", kwargs, [8, 4, 2, 1]),
            LinearAttention = Is("linear", kwargs),
        };
    }

    private static TwinsSpec Twins(string name, JsonElement kwargs)
    {
        var dims = Ints("embed_dims", kwargs, [64, 128, 256, 512]);
        return new TwinsSpec
        {
            Name = name,
            ImageSize = Size(kwargs),
            PatchSize = Int("patch_size", kwargs, 4),
            Classes = Int("num_classes", kwargs, 1000),
            EmbedDim = dims[0],
            LaterDims = dims[1..],
            Depths = Ints("depths", kwargs, [3, 4, 6, 3]),
            Heads = Ints("num_heads", kwargs, [1, 2, 4, 8]),
            MlpRatios = Doubles("mlp_ratios", kwargs, [4, 4, 4, 4]),
            Reductions = Ints("sr_ratios", kwargs, [8, 4, 2, 1]),
            Windows = kwargs.TryGetProperty("wss", out _) ? Ints("wss", kwargs, []) : null,
        };
    }

    private static BeitSpec Beit(string name, JsonElement kwargs) => new()
    {
        Name = name,
        ImageSize = Size(kwargs),
        PatchSize = Int("patch_size", kwargs, 16),
        Classes = Int("num_classes", kwargs, 1000),
        EmbedDim = Int("embed_dim", kwargs, 768),
        Depth = Int("depth", kwargs, 12),
        Heads = Int("num_heads", kwargs, 12),
        MlpRatio = Double("mlp_ratio", kwargs, 4),
        LayerScale = Double("init_values", kwargs, 1e-5),
    };

    private static SwinV2Spec SwinV2(string name, JsonElement kwargs) => new()
    {
        Name = name,
        ImageSize = Size(kwargs),
        PatchSize = Int("patch_size", kwargs, 4),
        Classes = Int("num_classes", kwargs, 1000),
        EmbedDim = Int("embed_dim", kwargs, 96),
        Depths = Ints("depths", kwargs, [2, 2, 6, 2]),
        Heads = Ints("num_heads", kwargs, [3, 6, 12, 24]),
        WindowSize = Int("window_size", kwargs, 7),
        MlpRatio = Double("mlp_ratio", kwargs, 4),
        PretrainedWindows = kwargs.TryGetProperty("pretrained_window_sizes", out _) ? Ints("pretrained_window_sizes", kwargs, []) : null,
    };

    private static HieraSpec Hiera(string name, JsonElement kwargs) => new()
    {
        Name = name,
        ImageSize = Size(kwargs),
        Classes = Int("num_classes", kwargs, 1000),
        EmbedDim = Int("embed_dim", kwargs, 96),
        Heads = Int("num_heads", kwargs, 1),
        Depths = Ints("stages", kwargs, [2, 3, 16, 3]),
        Poolings = Int("q_pool", kwargs, 3),
        MaskUnit = Int("mask_unit_size", kwargs, 8),
        UnitAttention = kwargs.TryGetProperty("mask_unit_attn", out var kinds) ? [.. kinds.EnumerateArray().Select(kind => kind.GetBoolean())] : [true, true, false, false],
        MlpRatio = Double("mlp_ratio", kwargs, 4),
        GlobalPositions = Is("abs_win_pos_embed", kwargs) ? Int("global_pos_size", kwargs, 14) : null,
        LayerScale = kwargs.TryGetProperty("init_values", out var scale) && scale.ValueKind == JsonValueKind.Number ? scale.GetDouble() : null,
        WidenByProjection = Is("use_expand_proj", kwargs, true),
        JaxInitialization = kwargs.TryGetProperty("weight_init", out var init) && init.GetString() == "jax",
    };

    private static CrossFormerSpec CrossFormer(string name, JsonElement kwargs)
    {
        var patches = Ints("patch_size", kwargs, [4]);
        return new()
        {
            Name = name,
            ImageSize = Size(kwargs),
            PatchSize = patches[0],
            PatchSizes = patches,
            Classes = Int("num_classes", kwargs, 1000),
            EmbedDim = Int("embed_dim", kwargs, 96),
            Depths = Ints("depths", kwargs, [2, 2, 6, 2]),
            Heads = Ints("num_heads", kwargs, [3, 6, 12, 24]),
            Groups = Ints("group_size", kwargs, [7, 7, 7, 7]),
            Intervals = Ints("crs_interval", kwargs, [8, 4, 2, 1]),
            MergeSizes = kwargs.TryGetProperty("merge_size", out var merges) ? [.. merges[0].EnumerateArray().Select(size => size.GetInt32())] : [2],
            MlpRatio = Doubles("mlp_ratio", kwargs, [4])[0],
        };
    }

    // A number, or the first of a pair of equal ones.
    private static int Int(string name, JsonElement kwargs, int otherwise) => !kwargs.TryGetProperty(name, out var value) ? otherwise
        : value.ValueKind == JsonValueKind.Array ? value[0].GetInt32() : value.GetInt32();

    private static ImageSize Size(JsonElement kwargs) => kwargs.TryGetProperty("img_size", out var sides) && sides.ValueKind == JsonValueKind.Array
        ? new ImageSize(sides[0].GetInt32(), sides[1].GetInt32()) : Int("img_size", kwargs, 224);

    private static int[] Ints(string name, JsonElement kwargs, int[] otherwise) =>
        kwargs.TryGetProperty(name, out var values) ? [.. values.EnumerateArray().Select(value => value.GetInt32())] : otherwise;

    private static double[] Doubles(string name, JsonElement kwargs, double[] otherwise) =>
        kwargs.TryGetProperty(name, out var values) ? [.. values.EnumerateArray().Select(value => value.GetDouble())] : otherwise;

    private static double Double(string name, JsonElement kwargs, double otherwise) => kwargs.TryGetProperty(name, out var value) ? value.GetDouble() : otherwise;

    private static bool Is(string name, JsonElement kwargs, bool otherwise = false) => kwargs.TryGetProperty(name, out var value) ? value.GetBoolean() : otherwise;
}
