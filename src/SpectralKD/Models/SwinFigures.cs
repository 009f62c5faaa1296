using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Counts Swin; attention works on padded windows, everything else on the real map.</summary>
internal static class SwinFigures
{
    public static ModelFigures Of(SwinSpec spec)
    {
        var stages = spec.Stages;
        var last = stages[^1].Channels;
        long patches = stages[0].Size * stages[0].Size;
        return ModelFigures.Sum(
            [.. stages.Select((stage, i) => Stage(spec, stage, i))],
            PatchEmbedding(spec.PatchSize, spec.EmbedDim) + Norm(spec.EmbedDim) + Norm(last) + Linear(last, spec.Classes),
            PatchEmbeddingMultiplyAdds(patches, spec.PatchSize, spec.EmbedDim) + ((long)last * spec.Classes));
    }

    private static BlockFigures Stage(SwinSpec spec, SwinStageSpec stage, int index)
    {
        long dim = stage.Channels, tokens = stage.Size * stage.Size, padded = stage.PaddedSize * stage.PaddedSize;
        long window = stage.Window * stage.Window, reach = (2 * stage.Window) - 1;
        var hidden = Hidden(dim, spec.MlpRatio);
        var merged = index == 0 ? 0 : 2 * dim; // channels of four neighbours: 4 * (dim / 2)

        var block = Block(dim, hidden) + (reach * reach * stage.Heads);
        var blockCost = (4 * padded * dim * dim) + (2 * padded * window * dim) + (2 * tokens * dim * hidden);
        return new BlockFigures(
            new BlockInfo(index, $"layers.{index}", stage.Channels, stage.Size, stage.Size),
            (stage.Depth * block) + Norm(merged) + (merged * dim),
            (stage.Depth * blockCost) + (tokens * merged * dim));
    }
}
