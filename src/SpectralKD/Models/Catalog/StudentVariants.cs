namespace SpectralKD.Models;

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
