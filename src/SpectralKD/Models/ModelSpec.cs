using System.Globalization;

namespace SpectralKD.Models;

/// <summary>What every model family has in common; each family derives its own record with its sizes.</summary>
public abstract record ModelSpec
{
    /// <summary>timm name without tag, for example <c>deit_tiny_patch16_224</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Family in the user's words: <c>ViT</c>, <c>DeiT</c>, <c>CaiT</c>, <c>Swin</c>.</summary>
    public abstract string Family { get; }

    /// <summary>Side of the square input image in pixels.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Number of classes (rows of the head).</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>
    /// Stochastic depth rate in [0, 1), active in training mode only. ViT and Swin raise it linearly from 0 in the first block to
    /// this value in the last; CaiT uses it in every block. 0 switches it off.
    /// </summary>
    public double DropPath { get; init; }

    /// <summary>How images are prepared for this model.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.ImageNet;
}

/// <summary>What one block costs.</summary>
/// <param name="Block">The block and the shape of its feature map.</param>
/// <param name="Parameters">Trained numbers in it; a Swin stage counts its patch merging.</param>
/// <param name="MultiplyAdds">Multiply-adds of one image's forward pass, see <see cref="ModelFigures.MultiplyAdds"/>.</param>
public sealed record BlockFigures(BlockInfo Block, long Parameters, long MultiplyAdds);

/// <summary>The size of a model, worked out from its spec without building it (and so without libtorch).</summary>
public sealed record ModelFigures
{
    /// <summary>Trained numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>
    /// Multiply-adds of one image's forward pass: convolutions, linear layers and the matrix products of attention (padded windows
    /// included). Norms, softmax, GELU, biases and additions are not counted. Twice this number is the usual count of FLOPs.
    /// </summary>
    public required long MultiplyAdds { get; init; }

    /// <summary>Bytes that the weights take as float32.</summary>
    public long WeightBytes => Parameters * sizeof(float);

    /// <summary>The blocks (ViT, CaiT) or stages (Swin) in order.</summary>
    public required IReadOnlyList<BlockFigures> Blocks { get; init; }

    /// <summary>Counts a model.</summary>
    /// <param name="spec">One of this library's families.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together, or the family is unknown.</exception>
    public static ModelFigures Of(ModelSpec spec)
    {
        SpecRules.Check(spec);
        return spec switch
        {
            VisionTransformerSpec vit => VisionTransformerFigures.Of(vit),
            CaitSpec cait => CaitFigures.Of(cait),
            SwinSpec swin => SwinFigures.Of(swin),
            _ => throw new SpectralKDException($"{spec.Name} cannot be counted: it is none of ViT, DeiT, CaiT, Swin."),
        };
    }

    /// <summary>The blocks of a model with the shapes of their feature maps.</summary>
    /// <param name="spec">One of this library's families.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together, or the family is unknown.</exception>
    public static IReadOnlyList<BlockInfo> BlocksOf(ModelSpec spec) => [.. Of(spec).Blocks.Select(figures => figures.Block)];

    internal static ModelFigures Sum(IReadOnlyList<BlockFigures> blocks, long otherParameters, long otherMultiplyAdds) => new()
    {
        Blocks = blocks,
        Parameters = blocks.Sum(block => block.Parameters) + otherParameters,
        MultiplyAdds = blocks.Sum(block => block.MultiplyAdds) + otherMultiplyAdds,
    };
}

/// <summary>Parameters and multiply-adds of the parts that the families share.</summary>
internal static class LayerFigures
{
    public static long Linear(long inputs, long outputs) => (inputs * outputs) + outputs;

    public static long Norm(long dim) => 2 * dim;

    /// <summary>Two norms, four square linear layers (q, k, v, projection) and the MLP.</summary>
    public static long Block(long dim, long hidden) =>
        (2 * Norm(dim)) + (4 * Linear(dim, dim)) + Linear(dim, hidden) + Linear(hidden, dim);

    /// <summary>Linear layers of a block on <paramref name="tokens"/> tokens, each of which attends to <paramref name="keys"/>.</summary>
    public static long BlockMultiplyAdds(long tokens, long keys, long dim, long hidden) =>
        (4 * tokens * dim * dim) + (2 * tokens * keys * dim) + (2 * tokens * dim * hidden);

    public static long PatchEmbedding(long patch, long dim) => Linear(3 * patch * patch, dim);

    public static long PatchEmbeddingMultiplyAdds(long patches, long patch, long dim) => patches * 3 * patch * patch * dim;

    public static long Hidden(long dim, double ratio) => (long)(dim * ratio);
}

/// <summary>Checks that the sizes of a model fit together before anything is built from them.</summary>
internal static class SpecRules
{
    private const int LargestSide = 4096;

    public static void Check(ModelSpec spec)
    {
        Require(spec, spec.Classes >= 1, $"has {spec.Classes} classes: give at least 1");
        Require(spec, spec.ImageSize is >= 1 and <= LargestSide, $"has image size {spec.ImageSize}: give 1 to {LargestSide}");
        Require(spec, spec.DropPath is >= 0 and < 1, $"has drop path {Text(spec.DropPath)}: give a rate of at least 0 and below 1");
        switch (spec)
        {
            case VisionTransformerSpec vit:
                CheckPatches(vit, vit.PatchSize);
                CheckBlocks(vit, vit.Depth, vit.EmbedDim, vit.Heads, vit.MlpRatio);
                break;
            case CaitSpec cait:
                CheckPatches(cait, cait.PatchSize);
                CheckBlocks(cait, cait.Depth, cait.EmbedDim, cait.Heads, cait.MlpRatio);
                Require(cait, cait.ClassDepth >= 1, $"has {cait.ClassDepth} class-attention blocks: give at least 1");
                break;
            case SwinSpec swin:
                CheckPatches(swin, swin.PatchSize);
                CheckSwin(swin);
                break;
        }
    }

    private static void CheckPatches(ModelSpec spec, int patch)
    {
        Require(spec, patch >= 1, $"has patch size {patch}: give at least 1");
        var rest = spec.ImageSize % patch;
        Require(spec, rest == 0, $"cuts images into patches of {patch}x{patch}, but {spec.ImageSize} is no multiple of {patch}: " +
            $"use an image size of {Math.Max(patch, spec.ImageSize - rest)} or {spec.ImageSize - rest + patch}");
    }

    private static void CheckBlocks(ModelSpec spec, int depth, int dim, int heads, double ratio)
    {
        Require(spec, depth >= 1, $"has {depth} blocks: give at least 1");
        Require(spec, heads >= 1 && dim >= 1 && dim % heads == 0,
            $"has {dim} channels and {heads} heads: the channels must be a positive multiple of the heads");
        Require(spec, ratio > 0 && (int)(dim * ratio) >= 1, $"has MLP ratio {Text(ratio)}: give a positive number, 4 as a rule");
    }

    private static void CheckSwin(SwinSpec spec)
    {
        Require(spec, spec.Depths.Count >= 1 && spec.Depths.Count == spec.Heads.Count,
            $"has {spec.Depths.Count} depths and {spec.Heads.Count} heads: give one of each for every stage");
        Require(spec, spec.WindowSize >= 1, $"has window size {spec.WindowSize}: give at least 1");
        foreach (var (stage, index) in spec.Stages.Select((stage, index) => (stage, index)))
        {
            Require(spec, stage.NominalSize >= 1,
                $"has {spec.Depths.Count} stages, too many for {spec.ImageSize} px: stage {index} would have no patches left");
            CheckBlocks(spec, stage.Depth, stage.Channels, stage.Heads, spec.MlpRatio);
            CheckMask(spec, stage, index);
        }
    }

    /// <summary>timm computes the shift mask for the nominal resolution; it must have as many windows as the real one.</summary>
    private static void CheckMask(SwinSpec spec, SwinStageSpec stage, int index)
    {
        var planned = (stage.NominalSize + stage.Window - 1) / stage.Window * stage.Window;
        Require(spec, stage.Depth < 2 || stage.Shift == 0 || planned == stage.PaddedSize,
            $"cannot shift windows of {stage.Window} in stage {index}: its map is {stage.Size}x{stage.Size}, its mask is planned for " +
            $"{stage.NominalSize}x{stage.NominalSize} (timm fails here too); use an image size that is a multiple of " +
            $"{spec.PatchSize << (spec.Depths.Count - 1)}");
    }

    private static void Require(ModelSpec spec, bool holds, string complaint)
    {
        if (!holds)
        {
            throw new SpectralKDException($"{spec.Name} {complaint}.");
        }
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
