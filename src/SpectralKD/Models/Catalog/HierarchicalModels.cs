namespace SpectralKD.Models;

/// <summary>Families of timm 1.0.11 beside ViT, CaiT and Swin: pyramids, and transformers with windows or relative positions. The weights are those that timm lists, its default first.</summary>
internal static class HierarchicalModels
{
    public static IReadOnlyList<ModelCatalogEntry> All { get; } = [.. PvtV2s(), .. Twins(), .. Beits(), .. SwinV2s(), .. Hieras(), .. CrossFormers()];

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

    private static IEnumerable<ModelCatalogEntry> Beits() =>
    [
        Entry(BeitBase("beit_base_patch16_224", 224) with { LayerScale = 0.1 }, Apache, new("in22k_ft_in22k_in1k"), new("in22k_ft_in22k", ImageNet22k)),
        Entry(BeitBase("beit_base_patch16_384", 384) with { LayerScale = 0.1, Preprocessing = Half with { CropFraction = 1 } }, Apache, "in22k_ft_in22k_in1k"),
        Entry(BeitLarge("beit_large_patch16_224", 224), Apache, new("in22k_ft_in22k_in1k"), new("in22k_ft_in22k", ImageNet22k)),
        Entry(BeitLarge("beit_large_patch16_384", 384) with { Preprocessing = Half with { CropFraction = 1 } }, Apache, "in22k_ft_in22k_in1k"),
        Entry(BeitLarge("beit_large_patch16_512", 512) with { Preprocessing = Half with { CropFraction = 1 } }, Apache, "in22k_ft_in22k_in1k"),
        Entry(BeitBase("beitv2_base_patch16_224", 224) with { Preprocessing = Preprocessing.ImageNet }, Apache,
            new("in1k_ft_in22k_in1k"), new("in1k_ft_in1k"), new("in1k_ft_in22k", ImageNet22k)),
        Entry(BeitLarge("beitv2_large_patch16_224", 224) with { Preprocessing = Preprocessing.ImageNet with { CropFraction = 0.95 } }, Apache,
            new("in1k_ft_in22k_in1k"), new("in1k_ft_in1k"), new("in1k_ft_in22k", ImageNet22k)),
    ];

    private static BeitSpec BeitBase(string name, int size) =>
        new() { Name = name, ImageSize = size, EmbedDim = 768, Heads = 12, Preprocessing = Half };

    private static BeitSpec BeitLarge(string name, int size) =>
        new() { Name = name, ImageSize = size, EmbedDim = 1024, Depth = 24, Heads = 16, Preprocessing = Half };

    private static IEnumerable<ModelCatalogEntry> SwinV2s() =>
    [
        Entry(SwinV2("swinv2_tiny_window8_256", 96, 6, 8), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_tiny_window16_256", 96, 6, 16), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_small_window8_256", 96, 18, 8), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_small_window16_256", 96, 18, 16), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_base_window8_256", 128, 18, 8), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_base_window16_256", 128, 18, 16), Mit, "ms_in1k"),
        Entry(SwinV2("swinv2_base_window12_192", 128, 18, 12) with { ImageSize = 192 }, Mit, new Tagged("ms_in22k", ImageNet22k)),
        Entry(SwinV2("swinv2_base_window12to16_192to256", 128, 18, 16) with { PretrainedWindows = [12, 12, 12, 6] }, Mit, "ms_in22k_ft_in1k"),
        Entry(SwinV2("swinv2_base_window12to24_192to384", 128, 18, 24) with { ImageSize = 384, PretrainedWindows = [12, 12, 12, 6], Preprocessing = Whole }, Mit, "ms_in22k_ft_in1k"),
        Entry(SwinV2("swinv2_large_window12_192", 192, 18, 12) with { ImageSize = 192 }, Mit, new Tagged("ms_in22k", ImageNet22k)),
        Entry(SwinV2("swinv2_large_window12to16_192to256", 192, 18, 16) with { PretrainedWindows = [12, 12, 12, 6] }, Mit, "ms_in22k_ft_in1k"),
        Entry(SwinV2("swinv2_large_window12to24_192to384", 192, 18, 24) with { ImageSize = 384, PretrainedWindows = [12, 12, 12, 6], Preprocessing = Whole }, Mit, "ms_in22k_ft_in1k"),
    ];

    private static SwinV2Spec SwinV2(string name, int dim, int third, int window) => new()
    {
        Name = name,
        ImageSize = 256,
        EmbedDim = dim,
        Depths = [2, 2, third, 2],
        Heads = [dim / 32, dim / 16, dim / 8, dim / 4],
        WindowSize = window,
    };

    private static IEnumerable<ModelCatalogEntry> Hieras() =>
    [
        Entry(Hiera("hiera_tiny_224", 96, [1, 2, 7, 2]), NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_small_224", 96, [1, 2, 11, 2]), NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_base_224", 96, [2, 3, 16, 3]), NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_base_plus_224", 112, [2, 3, 16, 3]) with { Heads = 2 }, NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_large_224", 144, [2, 6, 36, 4]) with { Heads = 2 }, NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_huge_224", 256, [2, 6, 36, 4]) with { Heads = 4 }, NonCommercial, new("mae_in1k_ft_in1k"), new("mae", 0)),
        Entry(Hiera("hiera_small_abswin_256", 96, [1, 2, 11, 2]) with
        {
            ImageSize = 256,
            GlobalPositions = 16,
            LayerScale = 1e-5,
            WidenByProjection = false,
            JaxInitialization = true,
            Preprocessing = Preprocessing.ImageNet with { CropFraction = 0.95 },
        }, Apache, new("sbb2_e200_in12k_ft_in1k"), new("sbb2_pd_e200_in12k_ft_in1k"), new("sbb2_e200_in12k", ImageNet12k), new("sbb2_pd_e200_in12k", ImageNet12k)),
    ];

    private static HieraSpec Hiera(string name, int dim, int[] depths) => new() { Name = name, EmbedDim = dim, Depths = depths };

    // Not in timm, and on no hub: the authors' checkpoints are files to be loaded by their path.
    private static IEnumerable<ModelCatalogEntry> CrossFormers() =>
    [
        Unhosted(CrossFormer("crossformer_tiny_patch4_group7_224", 64, [1, 1, 8, 6])),
        Unhosted(CrossFormer("crossformer_small_patch4_group7_224", 96, [2, 2, 6, 2])),
        Unhosted(CrossFormer("crossformer_base_patch4_group7_224", 96, [2, 2, 18, 2])),
        Unhosted(CrossFormer("crossformer_large_patch4_group7_224", 128, [2, 2, 18, 2])),
    ];

    private static CrossFormerSpec CrossFormer(string name, int dim, int[] depths) => new()
    {
        Name = name,
        EmbedDim = dim,
        Depths = depths,
        Heads = [dim / 32, dim / 16, dim / 8, dim / 4],
        Preprocessing = Preprocessing.ImageNet with { CropFraction = 0.875 }, // the authors' 256 pixels for 224
    };

    private const string Apache = "apache-2.0";
    private const string Mit = "mit";
    private const string NonCommercial = "cc-by-nc-4.0";
    private const int ImageNet22k = 21841;
    private const int ImageNet12k = 11821;

    private static Preprocessing Whole => Preprocessing.Whole;

    private static Preprocessing Half => Preprocessing.Half;

    private static ModelCatalogEntry Unhosted(CrossFormerSpec spec) => new()
    {
        Spec = spec,
        Elsewhere = "not in timm; checkpoints of the authors (mit): https://github.com/cheerss/CrossFormer#image-classification, loaded by their path",
    };

    private static ModelCatalogEntry Entry(ModelSpec spec, string license, params Tagged[] tags) =>
        ModelCatalogEntry.OnHub(spec, tags.Select(tag => PretrainedWeights.OfTimm(spec.Name, tag.Tag, license, tag.Classes, tag.Preprocessing ?? spec.Preprocessing)));

    /// <summary>A tag with what differs from the family's own classes and preprocessing.</summary>
    private sealed record Tagged(string Tag, int Classes = 1000, Preprocessing? Preprocessing = null)
    {
        public static implicit operator Tagged(string tag) => new(tag);
    }
}
