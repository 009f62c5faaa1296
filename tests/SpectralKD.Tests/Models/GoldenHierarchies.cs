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
        _ => null,
    };

    private static PvtV2Spec PvtV2(string name, JsonElement kwargs)
    {
        var dims = Ints("embed_dims", kwargs, [64, 128, 256, 512]);
        return new PvtV2Spec
        {
            Name = name,
            ImageSize = Int("img_size", kwargs, 224),
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
            ImageSize = Int("img_size", kwargs, 224),
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

    // A number, or the first of a pair of equal ones.
    private static int Int(string name, JsonElement kwargs, int otherwise) => !kwargs.TryGetProperty(name, out var value) ? otherwise
        : value.ValueKind == JsonValueKind.Array ? value[0].GetInt32() : value.GetInt32();

    private static int[] Ints(string name, JsonElement kwargs, int[] otherwise) =>
        kwargs.TryGetProperty(name, out var values) ? [.. values.EnumerateArray().Select(value => value.GetInt32())] : otherwise;

    private static double[] Doubles(string name, JsonElement kwargs, double[] otherwise) =>
        kwargs.TryGetProperty(name, out var values) ? [.. values.EnumerateArray().Select(value => value.GetDouble())] : otherwise;

    private static bool Is(string name, JsonElement kwargs, bool otherwise = false) => kwargs.TryGetProperty(name, out var value) ? value.GetBoolean() : otherwise;
}
