using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Counts ViT, DeiT and DeiT-III.</summary>
internal static class VisionTransformerFigures
{
    public static ModelFigures Of(VisionTransformerSpec spec)
    {
        long dim = spec.EmbedDim, patches = spec.GridSize * spec.GridSize, tokens = patches + spec.PrefixTokens;
        var hidden = Hidden(dim, spec.MlpRatio);
        var scale = spec.LayerScale is null ? 0 : 2 * dim;
        var blocks = Enumerable.Range(0, spec.Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", spec.EmbedDim, spec.GridSize, spec.GridSize),
            Block(dim, hidden) + scale,
            BlockMultiplyAdds(tokens, tokens, dim, hidden))).ToArray();

        var positions = (spec.ClassPosition ? tokens : patches) * dim;
        var prefix = spec.PrefixTokens * dim;
        var heads = spec.PrefixTokens;
        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(spec.PatchSize, dim) + positions + prefix + Norm(dim) + (heads * Linear(dim, spec.Classes)),
            PatchEmbeddingMultiplyAdds(patches, spec.PatchSize, dim) + (heads * dim * spec.Classes));
    }
}
