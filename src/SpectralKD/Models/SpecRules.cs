using System.Globalization;

namespace SpectralKD.Models;

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
