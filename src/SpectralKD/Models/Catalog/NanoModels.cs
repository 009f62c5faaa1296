namespace SpectralKD.Models;

/// <summary>
/// Small models for experiments on a CPU: the depths of the paper's teacher and student (24 and 12 blocks, so that its layer pairs
/// keep their meaning) and its ratio of channels (2 to 1) on 8x8 patches, and a Swin with three stages. 10 classes. Those with tags have
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
    ];

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
