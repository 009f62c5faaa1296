namespace SpectralKD.Models;

/// <summary>The models of timm 1.0.11 that this library builds, with the weights that timm lists for them, its default first.</summary>
internal static class PublishedModels
{
    private static Preprocessing Whole => Preprocessing.Whole;

    private static Preprocessing Half => Preprocessing.Half;

    public static IReadOnlyList<ModelCatalogEntry> All { get; } =
    [
        .. VisionTransformers(), .. DistilledTransformers(), .. ThirdGeneration(), .. Caits(), .. Swins(),
    ];

    private static IEnumerable<ModelCatalogEntry> VisionTransformers() =>
    [
        Entry(Vit("vit_tiny_patch16_224", 192, 3), "apache-2.0", ("augreg_in21k_ft_in1k", Half)),
        Entry(Vit("vit_small_patch16_224", 384, 6), "apache-2.0", ("augreg_in21k_ft_in1k", Half), ("augreg_in1k", Half)).With("dino"),
        Entry(Vit("vit_base_patch16_224", 768, 12), "apache-2.0",
            ("augreg2_in21k_ft_in1k", Half), ("augreg_in21k_ft_in1k", Half), ("orig_in21k_ft_in1k", Half), ("augreg_in1k", Half)).With("dino").With("mae", "cc-by-nc-4.0"),
        Entry(Vit("deit_tiny_patch16_224", 192, 3), "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
        Entry(Vit("deit_small_patch16_224", 384, 6), "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
        Entry(Vit("deit_base_patch16_224", 768, 12), "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
    ];

    private static IEnumerable<ModelCatalogEntry> DistilledTransformers() =>
    [
        Entry(Vit("deit_tiny_distilled_patch16_224", 192, 3) with { Distilled = true }, "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
        Entry(Vit("deit_small_distilled_patch16_224", 384, 6) with { Distilled = true }, "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
        Entry(Vit("deit_base_distilled_patch16_224", 768, 12) with { Distilled = true }, "apache-2.0", ("fb_in1k", Preprocessing.ImageNet)),
    ];

    private static IEnumerable<ModelCatalogEntry> ThirdGeneration() =>
    [
        Entry(Third("deit3_small_patch16_224", 384, 6), "apache-2.0", ("fb_in1k", Preprocessing.ImageNet), ("fb_in22k_ft_in1k", Whole)),
        Entry(Third("deit3_base_patch16_224", 768, 12), "apache-2.0", ("fb_in1k", Preprocessing.ImageNet), ("fb_in22k_ft_in1k", Whole)),
    ];

    private static IEnumerable<ModelCatalogEntry> Caits() =>
    [
        Entry(Cait("cait_xxs24_224", 192, 4, 24, 224), "apache-2.0", ("fb_dist_in1k", Whole)),
        Entry(Cait("cait_xxs36_224", 192, 4, 36, 224), "apache-2.0", ("fb_dist_in1k", Whole)),
        Entry(Cait("cait_xs24_384", 288, 6, 24, 384), "apache-2.0", ("fb_dist_in1k", Whole)),
        Entry(Cait("cait_s24_224", 384, 8, 24, 224), "apache-2.0", ("fb_dist_in1k", Whole)),
        Entry(Cait("cait_s36_384", 384, 8, 36, 384) with { LayerScale = 1e-6 }, "apache-2.0", ("fb_dist_in1k", Whole)),
    ];

    private static IEnumerable<ModelCatalogEntry> Swins() =>
    [
        Entry(Swin("swin_tiny_patch4_window7_224", 96, 6, [3, 6, 12, 24]), "mit",
            ("ms_in1k", Preprocessing.ImageNet), ("ms_in22k_ft_in1k", Preprocessing.ImageNet)),
        Entry(Swin("swin_small_patch4_window7_224", 96, 18, [3, 6, 12, 24]), "mit",
            ("ms_in22k_ft_in1k", Preprocessing.ImageNet), ("ms_in1k", Preprocessing.ImageNet)),
        Entry(Swin("swin_base_patch4_window7_224", 128, 18, [4, 8, 16, 32]), "mit",
            ("ms_in22k_ft_in1k", Preprocessing.ImageNet), ("ms_in1k", Preprocessing.ImageNet)),
    ];

    private static VisionTransformerSpec Vit(string name, int dim, int heads) => new() { Name = name, EmbedDim = dim, Heads = heads };

    private static VisionTransformerSpec Third(string name, int dim, int heads) =>
        Vit(name, dim, heads) with { LayerScale = 1e-6, ClassPosition = false };

    private static CaitSpec Cait(string name, int dim, int heads, int depth, int size) =>
        new() { Name = name, EmbedDim = dim, Heads = heads, Depth = depth, ImageSize = size };

    private static SwinSpec Swin(string name, int dim, int third, int[] heads) =>
        new() { Name = name, EmbedDim = dim, Depths = [2, 2, third, 2], Heads = heads };

    private static ModelCatalogEntry Entry(ModelSpec spec, string license, params (string Tag, Preprocessing Preprocessing)[] tags) =>
        ModelCatalogEntry.OnHub(spec, tags.Select(tag => PretrainedWeights.OfTimm(spec.Name, tag.Tag, license, spec.Classes, tag.Preprocessing)));
}
