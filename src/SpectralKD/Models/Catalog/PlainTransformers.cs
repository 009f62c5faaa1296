namespace SpectralKD.Models;

/// <summary>
/// Plain vision transformers of timm that were trained for other tasks than ImageNet's classes, or pool otherwise than by a class token: DINO, MAE, DINOv2, TIPSv2, CLIP,
/// SigLIP, small supervised ones with registers. Each with the weights that timm lists, its default first, their classes (0: no head), preprocessing and licence.
/// </summary>
internal static class PlainTransformers
{
    private const string NonCommercial = "cc-by-nc-4.0";
    private const string Apple = "apple-ascl";
    private const string Mit = "mit";
    private static readonly Preprocessing ImageNet = Preprocessing.ImageNet;
    private static readonly Preprocessing Half = Preprocessing.Half;
    private static readonly Preprocessing Plain = ImageNet with { CropFraction = 1, Mean = [0, 0, 0], Std = [1, 1, 1] };
    private static readonly Preprocessing OpenAi = ImageNet with
    {
        Mean = [0.48145466f, 0.4578275f, 0.40821073f],
        Std = [0.26862954f, 0.26130258f, 0.27577711f],
    };

    public static IReadOnlyList<ModelCatalogEntry> All { get; } =
    [
        .. Dinos(), .. Maes(), .. SecondDinos(), .. Tips(), .. Clips(), .. QuickClips(), .. TinyClips(), .. SiglipsWithMean(), .. SiglipsWithAttention(), .. SmallOnes(), .. Others(),
    ];

    /// <summary>Weights without a head for a model that is in the catalogue for its classes.</summary>
    public static ModelCatalogEntry With(this ModelCatalogEntry entry, string tag, string license = Apache) =>
        entry with { Published = [.. entry.Published, Weights(entry.Name, new Tag(tag, 0, ImageNet, license))] };

    private const string Apache = "apache-2.0";

    private static IEnumerable<ModelCatalogEntry> Dinos() =>
    [
        Entry(Vit("vit_small_patch8_224", 384, 12, 6, 8), new Tag("dino", 0, ImageNet)),
        Entry(Vit("vit_base_patch8_224", 768, 12, 12, 8), new Tag("augreg2_in21k_ft_in1k", 1000, Half), new Tag("augreg_in21k_ft_in1k", 1000, Half), new Tag("dino", 0, ImageNet)),
    ];

    private static IEnumerable<ModelCatalogEntry> Maes() =>
    [
        Entry(Vit("vit_large_patch16_224", 1024, 24, 16), new Tag("augreg_in21k_ft_in1k", 1000, Half), new Tag("mae", 0, ImageNet, NonCommercial)),
        Entry(Vit("vit_huge_patch14_224", 1280, 32, 16, 14), new Tag("orig_in21k", 0, Half), new Tag("mae", 0, ImageNet, NonCommercial)),
    ];

    private static IEnumerable<ModelCatalogEntry> SecondDinos()
    {
        Tag weights = new("lvd142m", 0, ImageNet with { CropFraction = 1 });
        foreach (var registers in new[] { 0, 4 })
        {
            var name = registers == 0 ? "dinov2" : "reg4_dinov2";
            VisionTransformerSpec Sized(string size, int dim, int depth, int heads) => Vit($"vit_{size}_patch14_{name}", dim, depth, heads, 14, 518) with
            {
                LayerScale = 1e-5,
                RegisterTokens = registers,
                ClassPosition = registers == 0,
            };

            yield return Entry(Sized("small", 384, 12, 6), weights);
            yield return Entry(Sized("base", 768, 12, 12), weights);
            yield return Entry(Sized("large", 1024, 24, 16), weights);
            yield return Entry(Sized("giant", 1536, 40, 24) with { MlpRatio = 5.33334, MlpKind = MlpKind.SwiGluPacked }, weights);
        }
    }

    private static IEnumerable<ModelCatalogEntry> Tips()
    {
        Tag weights = new("webli", 0, Plain);
        VisionTransformerSpec Sized(string size, int dim, int depth, int heads) => Vit($"vit_{size}_patch14_reg1_tipsv2", dim, depth, heads, 14, 448) with
        {
            LayerScale = 1,
            RegisterTokens = 1,
            ClassPosition = false,
        };

        yield return Entry(Sized("base", 768, 12, 12), weights);
        yield return Entry(Sized("large", 1024, 24, 16), weights);
        yield return Entry(Sized("so400m", 1152, 27, 16) with { MlpRatio = 4304.0 / 1152 }, weights);
        yield return Entry(Sized("giant", 1536, 40, 24) with { MlpRatio = 5.33334, MlpKind = MlpKind.SwiGluPacked }, weights);
    }

    private static IEnumerable<ModelCatalogEntry> Clips()
    {
        var squashed = OpenAi with { CropFraction = 1, Squash = true };
        yield return Entry(
            Clip("vit_base_patch32_clip_224", 768, 12, 12, 32),
            new Tag("laion2b_ft_in12k_in1k", 1000, OpenAi), new Tag("laion2b_ft_in1k", 1000, OpenAi), new Tag("openai_ft_in1k", 1000, OpenAi), new Tag("laion2b", 512, OpenAi),
            new Tag("laion400m_e32", 512, OpenAi, Mit), new Tag("datacompxl", 512, Cut(1)), new Tag("metaclip_2pt5b", 512, Cut(1), NonCommercial),
            new Tag("metaclip_400m", 512, Cut(1), NonCommercial), new Tag("openai", 512, OpenAi));
        yield return Entry(
            Clip("vit_base_patch16_clip_224", 768, 12, 12, 16),
            new Tag("laion2b_ft_in12k_in1k", 1000, Cut(0.95)), new Tag("openai_ft_in12k_in1k", 1000, Cut(0.95)), new Tag("laion2b_ft_in1k", 1000, Cut(1)), new Tag("openai_ft_in1k", 1000, OpenAi),
            new Tag("laion2b", 512, Cut(1)), new Tag("laion400m_e32", 512, Cut(1), Mit), new Tag("datacompxl", 512, Cut(1)), new Tag("dfn2b", 512, Cut(1), Apple),
            new Tag("metaclip_2pt5b", 512, Cut(1), NonCommercial), new Tag("metaclip_400m", 512, Cut(1), NonCommercial), new Tag("openai", 512, OpenAi));
        yield return Entry(
            Clip("vit_base_patch16_clip_384", 768, 12, 12, 16, 384),
            new Tag("laion2b_ft_in12k_in1k", 1000, squashed), new Tag("openai_ft_in12k_in1k", 1000, squashed with { CropFraction = 0.95 }), new Tag("laion2b_ft_in1k", 1000, squashed),
            new Tag("openai_ft_in1k", 1000, squashed));
        yield return Entry(
            Clip("vit_large_patch14_clip_224", 1024, 24, 16, 14),
            new Tag("laion2b_ft_in12k_in1k", 1000, Half with { CropFraction = 1 }), new Tag("openai_ft_in12k_in1k", 1000, Cut(1)), new Tag("laion2b_ft_in1k", 1000, Half with { CropFraction = 1 }),
            new Tag("openai_ft_in1k", 1000, Cut(1)), new Tag("laion2b", 768, Half with { CropFraction = 1 }), new Tag("laion400m_e32", 768, Cut(1), Mit), new Tag("datacompxl", 768, Cut(1)),
            new Tag("dfn2b", 768, Cut(1), Apple), new Tag("metaclip_2pt5b", 768, Cut(1), NonCommercial), new Tag("metaclip_400m", 768, Cut(1), NonCommercial), new Tag("openai", 768, Cut(1)));
    }

    // The same weights with the function that OpenAI trained them with: the repositories are those of the names without it.
    private static IEnumerable<ModelCatalogEntry> QuickClips()
    {
        foreach (var (size, dim, depth, heads, patch, classes, crop) in new[] { ("base", 768, 12, 12, 32, 512, 0.9), ("base", 768, 12, 12, 16, 512, 0.9), ("large", 1024, 24, 16, 14, 768, 1) })
        {
            var spec = Clip($"vit_{size}_patch{patch}_clip_quickgelu_224", dim, depth, heads, patch) with { Activation = Activation.QuickGelu };
            yield return EntryAt($"vit_{size}_patch{patch}_clip_224", spec, new Tag("openai", classes, Cut(crop)),
                new Tag("metaclip_2pt5b", classes, Cut(1), NonCommercial), new Tag("metaclip_400m", classes, Cut(1), NonCommercial));
        }
    }

    private static IEnumerable<ModelCatalogEntry> TinyClips() =>
    [
        Entry(Clip("vit_xsmall_patch16_clip_224", 256, 10, 4, 16), new Tag("tinyclip_yfcc15m", 512, OpenAi, Mit)),
        Entry(Clip("vit_medium_patch32_clip_224", 512, 12, 8, 32), new Tag("tinyclip_laion400m", 512, OpenAi, Mit)),
        Entry(Clip("vit_medium_patch16_clip_224", 512, 12, 8, 16), new Tag("tinyclip_yfcc15m", 512, OpenAi, Mit)),
        Entry(Clip("vit_betwixt_patch32_clip_224", 640, 12, 10, 32), new Tag("tinyclip_laion400m", 512, OpenAi, Mit)),
    ];

    private static IEnumerable<ModelCatalogEntry> SiglipsWithMean()
    {
        foreach (var size in new[] { 224, 256, 384, 512 })
        {
            yield return Entry(Mean(Vit($"vit_base_patch16_siglip_gap_{size}", 768, 12, 12, 16, size)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        }

        yield return Entry(Mean(Vit("vit_large_patch16_siglip_gap_256", 1024, 24, 16, 16, 256)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        yield return Entry(Mean(Vit("vit_large_patch16_siglip_gap_384", 1024, 24, 16, 16, 384)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        yield return Entry(Mean(So400("vit_so400m_patch14_siglip_gap_224", 224)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        yield return Entry(
            Mean(So400("vit_so400m_patch14_siglip_gap_378", 378)),
            new Tag("webli", 0, Half with { CropFraction = 1 }), new Tag("v2_webli", 0, Half), new Tag("webli_ft_in1k", 1000, Half with { CropFraction = 1, Squash = true }));
    }

    private static IEnumerable<ModelCatalogEntry> SiglipsWithAttention()
    {
        foreach (var size in new[] { 224, 256, 384, 512 })
        {
            yield return Entry(Map(Vit($"vit_base_patch16_siglip_{size}", 768, 12, 12, 16, size)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        }

        yield return Entry(Map(Vit("vit_large_patch16_siglip_256", 1024, 24, 16, 16, 256)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
        yield return Entry(Map(So400("vit_so400m_patch14_siglip_224", 224)), new Tag("webli", 0, Half), new Tag("v2_webli", 0, Half));
    }

    private static IEnumerable<ModelCatalogEntry> SmallOnes()
    {
        var cut = Half with { CropFraction = 0.95 };
        Tag fine = new("sbb_in12k_ft_in1k", 1000, cut), alone = new("sbb_in1k", 1000, cut), second = new("sbb2_e200_in12k_ft_in1k", 1000, cut);
        yield return Entry(Registers("wee", 256, 14, 4, 1) with { MlpRatio = 5 }, alone);
        yield return Entry(Registers("little", 320, 14, 5, 1) with { MlpRatio = 5.6 }, fine);
        yield return Entry(Registers("little", 320, 14, 5, 4) with { MlpRatio = 5.6 }, alone);
        yield return Entry(Registers("medium", 512, 12, 8, 1), alone);
        yield return Entry(Registers("medium", 512, 12, 8, 4), fine, alone);
        yield return Entry(Registers("mediumd", 512, 20, 8, 4), second, fine);
        yield return Entry(Registers("betwixt", 640, 12, 10, 1), alone);
        yield return Entry(Registers("betwixt", 640, 12, 10, 4), second, fine, alone);
        yield return Entry(
            Mean(Vit("vit_medium_patch16_gap_256", 512, 12, 8, 16, 256)) with { QkvBias = false, LayerScale = 1e-6 }, new Tag("sw_in12k_ft_in1k", 1000, cut));
        yield return Entry(
            Mean(Vit("vit_so150m_patch16_reg4_gap_256", 896, 18, 14, 16, 256)) with { MlpRatio = 2.572, RegisterTokens = 4 }, new Tag("sbb_e250_in12k_ft_in1k", 1000, cut));
    }

    private static IEnumerable<ModelCatalogEntry> Others() =>
    [
        // No hub has these weights: they are the authors' own files.
        new()
        {
            Spec = Mean(Vit("vit_huge_patch14_gap_224", 1280, 32, 16, 14)) with { Classes = 0, Preprocessing = ImageNet },
            Elsewhere = "on no hub; the authors' files of I-JEPA (cc-by-nc-4.0, NOT FOR COMMERCIAL USE): https://github.com/facebookresearch/ijepa, loaded by their path",
        },
        Entry(
            Vit("vit_intern300m_patch14_448", 1024, 24, 16, 14, 448) with { LayerScale = 0.1, FinalNorm = false },
            new Tag("ogvl_dist", 0, ImageNet with { CropFraction = 1 }, Mit), new Tag("ogvl_2pt5", 0, ImageNet with { CropFraction = 1 }, Mit)),
    ];

    private static VisionTransformerSpec Vit(string name, int dim, int depth, int heads, int patch = 16, int size = 224) =>
        new() { Name = name, EmbedDim = dim, Depth = depth, Heads = heads, PatchSize = patch, ImageSize = size };

    private static VisionTransformerSpec Clip(string name, int dim, int depth, int heads, int patch, int size = 224) =>
        Vit(name, dim, depth, heads, patch, size) with { PreNorm = true, Epsilon = 1e-5 };

    private static VisionTransformerSpec So400(string name, int size) => Vit(name, 1152, 27, 16, 14, size) with { MlpRatio = 3.7362 };

    private static VisionTransformerSpec Mean(VisionTransformerSpec spec) => spec with { ClassToken = false, Pool = TokenPooling.Average, FcNorm = false };

    private static VisionTransformerSpec Map(VisionTransformerSpec spec) => spec with { ClassToken = false, Pool = TokenPooling.Map };

    private static VisionTransformerSpec Registers(string size, int dim, int depth, int heads, int registers) =>
        Vit($"vit_{size}_patch16_reg{registers}_gap_256", dim, depth, heads, 16, 256) with
        {
            LayerScale = 1e-5,
            ClassToken = false,
            ClassPosition = false,
            RegisterTokens = registers,
            Pool = TokenPooling.Average,
        };

    private static Preprocessing Cut(double fraction) => OpenAi with { CropFraction = fraction };

    private static ModelCatalogEntry Entry(VisionTransformerSpec spec, params Tag[] tags) => EntryAt(spec.Name, spec, tags);

    private static ModelCatalogEntry EntryAt(string repository, VisionTransformerSpec spec, params Tag[] tags) =>
        ModelCatalogEntry.OnHub(spec, tags.Select(tag => Weights(repository, tag)));

    private static PretrainedWeights Weights(string name, Tag tag) => PretrainedWeights.OfTimm(name, tag.Name, tag.License, tag.Classes, tag.Preprocessing);

    private sealed record Tag(string Name, int Classes, Preprocessing Preprocessing, string License = Apache);
}
