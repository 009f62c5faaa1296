namespace SpectralKD.Models;

/// <summary>
/// Small models for experiments on a CPU: the depths of the paper's teacher and student (24 and 12 blocks, so that its layer pairs
/// keep their meaning) and its ratio of channels (2 to 1) on 8x8 patches, and hierarchical ones with three stages, one of each family. 10 classes. Those with tags have
/// weights in this library.
/// </summary>
internal static class NanoModels
{
    public static IReadOnlyList<ModelCatalogEntry> All { get; } =
    [
        Entry(new VisionTransformerSpec { Name = "deit_nano_patch4_32", ImageSize = 32, PatchSize = 4, EmbedDim = 24, Heads = 3 }),
        Entry(new VisionTransformerSpec { Name = "deit_nano_patch8_64", ImageSize = 64, PatchSize = 8, EmbedDim = 24, Heads = 3 }, "spectralkd_textures", "textures"),
        Entry(new CaitSpec { Name = "cait_nano_patch4_32", ImageSize = 32, PatchSize = 4, EmbedDim = 48, Heads = 4 }),
        Entry(new CaitSpec { Name = "cait_nano_patch8_64", ImageSize = 64, PatchSize = 8, EmbedDim = 48, Heads = 4 }, "textures"),
        Entry(new SwinSpec
        {
            Name = "swin_nano_patch2_window4_32",
            ImageSize = 32,
            PatchSize = 2,
            WindowSize = 4,
            EmbedDim = 24,
            Depths = [2, 2, 2],
            Heads = [2, 4, 8],
        }),
        Entry(new SwinSpec
        {
            Name = "swin_nano_patch4_window4_64",
            ImageSize = 64,
            PatchSize = 4,
            WindowSize = 4,
            EmbedDim = 24,
            Depths = [2, 2, 2],
            Heads = [2, 4, 8],
        }),
        Entry(PvtV2("pvt_v2_nano_32", 32)),
        Entry(PvtV2("pvt_v2_nano_64", 64), "textures"),
        Entry(Twins("twins_pcpvt_nano_patch2_32", 32, 2)),
        Entry(Twins("twins_pcpvt_nano_patch4_64", 64, 4)),
        Entry(Twins("twins_svt_nano_patch2_window4_32", 32, 2) with { Windows = [4, 4, 4] }),
        Entry(Twins("twins_svt_nano_patch4_window4_64", 64, 4) with { Windows = [4, 4, 4] }),
        Entry(new BeitSpec { Name = "beit_nano_patch4_32", ImageSize = 32, PatchSize = 4, EmbedDim = 24, Heads = 3, LayerScale = 0.1 }),
        Entry(new BeitSpec { Name = "beit_nano_patch8_64", ImageSize = 64, PatchSize = 8, EmbedDim = 24, Heads = 3, LayerScale = 0.1 }),
        Entry(SwinV2("swinv2_nano_patch2_window4_32", 32, 2)),
        Entry(SwinV2("swinv2_nano_patch4_window4_64", 64, 4)),
        Entry(Hiera("hiera_nano_32", 32)),
        Entry(Hiera("hiera_nano_64", 64)),
        Entry(CrossFormer("crossformer_nano_patch2_group4_32", 32, 2)),
        Entry(CrossFormer("crossformer_nano_patch4_group4_64", 64, 4)),
    ];

    private static PvtV2Spec PvtV2(string name, int size) => new()
    {
        Name = name,
        ImageSize = size,
        EmbedDim = 24,
        LaterDims = [48, 96],
        Depths = [2, 2, 2],
        Heads = [1, 2, 4],
        MlpRatios = [4, 4, 4],
        Reductions = [4, 2, 1],
    };

    private static TwinsSpec Twins(string name, int size, int patch) => new()
    {
        Name = name,
        ImageSize = size,
        PatchSize = patch,
        EmbedDim = 24,
        LaterDims = [48, 96],
        Depths = [2, 2, 2],
        Heads = [1, 2, 4],
        MlpRatios = [4, 4, 4],
        Reductions = [4, 2, 1],
    };

    private static SwinV2Spec SwinV2(string name, int size, int patch) =>
        new() { Name = name, ImageSize = size, PatchSize = patch, WindowSize = 4, EmbedDim = 24, Depths = [2, 2, 2], Heads = [2, 4, 8] };

    private static HieraSpec Hiera(string name, int size) => new()
    {
        Name = name,
        ImageSize = size,
        EmbedDim = 24,
        Depths = [2, 3, 2],
        Poolings = 2,
        MaskUnit = 4,
        UnitAttention = [true, true, false],
    };

    private static CrossFormerSpec CrossFormer(string name, int size, int patch) => new()
    {
        Name = name,
        ImageSize = size,
        PatchSize = patch,
        PatchSizes = [patch, 2 * patch],
        EmbedDim = 24,
        Depths = [2, 2, 2],
        Heads = [2, 4, 8],
        Groups = [4, 4, 4],
        Intervals = [4, 2, 1],
    };

    private static ModelCatalogEntry Entry(ModelSpec spec, params string[] tags)
    {
        var embedded = tags.Select(tag => new PretrainedWeights
        {
            Tag = tag,
            License = "mit",
            Classes = 10,
            Preprocessing = spec.Preprocessing,
        }).ToArray();
        return new() { Spec = spec with { Classes = 10 }, Weights = embedded.FirstOrDefault(), Published = embedded };
    }
}

/// <summary>
/// DeiT students whose last map is as wide as a CaiT teacher's (arXiv 2511.15572): Lift and WideLast, at the paper's sizes and as nano models beside the nano teachers.
/// No weights are known to this catalogue.
/// </summary>
internal static class StudentVariants
{
    public static IReadOnlyList<ModelCatalogEntry> All { get; } =
    [
        new() { Spec = new LiftSpec { Name = "deit_tiny_lift_patch16_224", EmbedDim = 192, Heads = 3, Target = 384 }, Published = [] },
        new() { Spec = new WideLastSpec { Name = "deit_tiny_widelast_patch16_224", EmbedDim = 192, Heads = 3, LastDim = 384, LastHeads = 6 }, Published = [] },
        Nano(new LiftSpec { Name = "deit_nano_lift_patch4_32", ImageSize = 32, PatchSize = 4, EmbedDim = 24, Heads = 3, Target = 48 }),
        Nano(new LiftSpec { Name = "deit_nano_lift_patch8_64", ImageSize = 64, PatchSize = 8, EmbedDim = 24, Heads = 3, Target = 48 }),
        Nano(new WideLastSpec { Name = "deit_nano_widelast_patch4_32", ImageSize = 32, PatchSize = 4, EmbedDim = 24, Heads = 3, LastDim = 48, LastHeads = 6 }),
        Nano(new WideLastSpec { Name = "deit_nano_widelast_patch8_64", ImageSize = 64, PatchSize = 8, EmbedDim = 24, Heads = 3, LastDim = 48, LastHeads = 6 }),
    ];

    private static ModelCatalogEntry Nano(ModelSpec spec) => new() { Spec = spec with { Classes = 10 }, Published = [] };
}
