namespace SpectralKD.Models;

/// <summary>Position embeddings at another image size (timm's <c>resample_abs_pos_embed</c>).</summary>
internal static class PositionEmbedding
{
    /// <summary>Interpolates the grid part of a position embedding: bicubic with antialiasing, prefix tokens untouched.</summary>
    /// <param name="embedding">Float <c>[1, prefix + oldGrid^2, C]</c>; it is not changed.</param>
    /// <param name="prefixTokens">Tokens before the grid that have a position of their own: 0, 1 or 2.</param>
    /// <param name="oldGrid">Patches along a side in <paramref name="embedding"/>.</param>
    /// <param name="newGrid">Patches along a side in the result.</param>
    /// <returns><c>[1, prefix + newGrid^2, C]</c> in the same dtype; a new tensor even where the sizes agree.</returns>
    /// <exception cref="SpectralKDException">The embedding's shape does not fit the numbers given.</exception>
    public static Tensor Resize(Tensor embedding, int prefixTokens, int oldGrid, int newGrid)
    {
        var shape = embedding.shape;
        if (shape.Length != 3 || shape[0] != 1 || shape[1] != prefixTokens + ((long)oldGrid * oldGrid) || newGrid < 1)
        {
            throw new SpectralKDException(
                $"A position embedding of shape [{string.Join(", ", shape)}] is not [1, {prefixTokens} + {oldGrid}*{oldGrid}, C].");
        }

        if (oldGrid == newGrid)
        {
            return embedding.clone();
        }

        using var scope = NewDisposeScope();
        var grid = embedding.narrow(1, prefixTokens, shape[1] - prefixTokens).to(float32)
            .reshape(1, oldGrid, oldGrid, shape[2]).permute(0, 3, 1, 2);                                      // (1, C, old, old)
        var resized = nn.functional.interpolate(
            grid, size: [newGrid, newGrid], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true); // (1, C, new, new)
        var tokens = resized.permute(0, 2, 3, 1).reshape(1, -1, shape[2]).to(embedding.dtype);                  // (1, new*new, C)
        return cat([embedding.narrow(1, 0, prefixTokens), tokens], dim: 1).MoveToOuterDisposeScope();
    }

    /// <summary>Resizes a checkpoint's embedding to a model's grid where its old grid is a square one; else returns it as it is.</summary>
    internal static Tensor Fit(Tensor embedding, int prefixTokens, int newGrid)
    {
        if (embedding.shape.Length != 3 || embedding.shape[0] != 1)
        {
            return embedding;
        }

        var patches = embedding.shape[1] - prefixTokens;
        var oldGrid = (int)Math.Sqrt(Math.Max(0, patches));
        return oldGrid < 1 || (long)oldGrid * oldGrid != patches || oldGrid == newGrid
            ? embedding
            : Resize(embedding, prefixTokens, oldGrid, newGrid);
    }
}
