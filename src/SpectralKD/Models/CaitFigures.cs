using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Counts CaiT. The class-attention blocks hand out no map and count with the rest.</summary>
internal static class CaitFigures
{
    public static ModelFigures Of(CaitSpec spec)
    {
        long dim = spec.EmbedDim, patches = spec.GridSize * spec.GridSize, heads = spec.Heads;
        var hidden = Hidden(dim, spec.MlpRatio);
        var block = Block(dim, hidden) + (2 * dim);
        var blocks = Enumerable.Range(0, spec.Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", spec.EmbedDim, spec.GridSize, spec.GridSize),
            block + (2 * Linear(heads, heads)),
            BlockMultiplyAdds(patches, patches, dim, hidden) + (2 * patches * patches * heads * heads))).ToArray();

        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(spec.PatchSize, dim) + ((patches + 1) * dim) + (spec.ClassDepth * block) + Norm(dim) + Linear(dim, spec.Classes),
            PatchEmbeddingMultiplyAdds(patches, spec.PatchSize, dim) + (spec.ClassDepth * ClassBlock(dim, patches + 1, hidden)) +
            (dim * spec.Classes));
    }

    /// <summary>One query, keys and values of all tokens, the MLP on one token.</summary>
    private static long ClassBlock(long dim, long tokens, long hidden) =>
        (2 * dim * dim) + (2 * tokens * dim * dim) + (2 * tokens * dim) + (2 * dim * hidden);
}
