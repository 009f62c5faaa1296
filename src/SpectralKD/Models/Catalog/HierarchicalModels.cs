namespace SpectralKD.Models;

/// <summary>Families of timm 1.0.11 beside ViT, CaiT and Swin: pyramids, and transformers with windows or relative positions. The weights are those that timm lists, its default first.</summary>
internal static class HierarchicalModels
{
    public static IReadOnlyList<ModelCatalogEntry> All { get; } = [.. PvtV2s(), .. Twins()];

    private static IEnumerable<ModelCatalogEntry> PvtV2s() =>
    [
        Entry(Pvt("pvt_v2_b0", [2, 2, 2, 2]) with { EmbedDim = 32, LaterDims = [64, 160, 256] }, Apache, "in1k"),
        Entry(Pvt("pvt_v2_b1", [2, 2, 2, 2]), Apache, "in1k"),
        Entry(Pvt("pvt_v2_b2", [3, 4, 6, 3]), Apache, "in1k"),
        Entry(Pvt("pvt_v2_b2_li", [3, 4, 6, 3]) with { LinearAttention = true }, Apache, "in1k"),
        Entry(Pvt("pvt_v2_b3", [3, 4, 18, 3]), Apache, "in1k"),
        Entry(Pvt("pvt_v2_b4", [3, 8, 27, 3]), Apache, "in1k"),
        Entry(Pvt("pvt_v2_b5", [3, 6, 40, 3]) with { MlpRatios = [4, 4, 4, 4] }, Apache, "in1k"),
    ];

    private static PvtV2Spec Pvt(string name, int[] depths) =>
        new() { Name = name, EmbedDim = 64, LaterDims = [128, 320, 512], Depths = depths, Heads = [1, 2, 5, 8] };

    private static IEnumerable<ModelCatalogEntry> Twins() =>
    [
        Entry(Pcpvt("twins_pcpvt_small", [3, 4, 6, 3]), Apache, "in1k"),
        Entry(Pcpvt("twins_pcpvt_base", [3, 4, 18, 3]), Apache, "in1k"),
        Entry(Pcpvt("twins_pcpvt_large", [3, 8, 27, 3]), Apache, "in1k"),
        Entry(Svt("twins_svt_small", 64, [2, 2, 10, 4], 2), Apache, "in1k"),
        Entry(Svt("twins_svt_base", 96, [2, 2, 18, 2], 3), Apache, "in1k"),
        Entry(Svt("twins_svt_large", 128, [2, 2, 18, 2], 4), Apache, "in1k"),
    ];

    private static TwinsSpec Pcpvt(string name, int[] depths) =>
        new() { Name = name, EmbedDim = 64, LaterDims = [128, 320, 512], Depths = depths, Heads = [1, 2, 5, 8], MlpRatios = [8, 8, 4, 4] };

    private static TwinsSpec Svt(string name, int dim, int[] depths, int heads) => new()
    {
        Name = name,
        EmbedDim = dim,
        LaterDims = [2 * dim, 4 * dim, 8 * dim],
        Depths = depths,
        Heads = [heads, 2 * heads, 4 * heads, 8 * heads],
        Windows = [7, 7, 7, 7],
    };

    private const string Apache = "apache-2.0";

    private static ModelCatalogEntry Entry(ModelSpec spec, string license, params Tagged[] tags)
    {
        var published = tags.Select(tag => new PretrainedWeights
        {
            Tag = tag.Tag,
            Repository = $"timm/{spec.Name}.{tag.Tag}",
            License = license,
            Classes = tag.Classes,
            Preprocessing = tag.Preprocessing ?? spec.Preprocessing,
        }).ToArray();
        return new ModelCatalogEntry { Spec = spec with { Preprocessing = published[0].Preprocessing }, Weights = published[0], Published = published };
    }

    /// <summary>A tag with what differs from the family's own classes and preprocessing.</summary>
    private sealed record Tagged(string Tag, int Classes = 1000, Preprocessing? Preprocessing = null)
    {
        public static implicit operator Tagged(string tag) => new(tag);
    }
}
