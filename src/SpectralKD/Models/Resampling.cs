namespace SpectralKD.Models;

/// <summary>Position embeddings at another image size (timm's <c>resample_abs_pos_embed</c>).</summary>
internal static class PositionEmbedding
{
    /// <summary>Interpolates the grid part of a position embedding: bicubic with antialiasing, prefix tokens untouched.</summary>
    /// <param name="embedding">Float <c>[1, prefix + oldGrid^2, C]</c>; it is not changed.</param>
    /// <param name="prefixTokens">Tokens before the grid that have a position of their own.</param>
    /// <param name="oldGrid">Patches along a side in <paramref name="embedding"/>.</param>
    /// <param name="rows">Rows of patches in the result.</param>
    /// <param name="columns">Columns of patches in the result.</param>
    /// <returns><c>[1, prefix + rows * columns, C]</c> in the same dtype; a new tensor even where the sizes agree.</returns>
    /// <exception cref="SpectralKDException">The embedding's shape does not fit the numbers given.</exception>
    public static Tensor Resize(Tensor embedding, int prefixTokens, int oldGrid, int rows, int columns)
    {
        var shape = embedding.shape;
        if (shape.Length != 3 || shape[0] != 1 || shape[1] != prefixTokens + ((long)oldGrid * oldGrid) || rows < 1 || columns < 1)
        {
            throw new SpectralKDException(
                $"a position embedding of shape [{string.Join(", ", shape)}] is not [1, {prefixTokens} + {oldGrid}*{oldGrid}, C]");
        }

        if (oldGrid == rows && oldGrid == columns)
        {
            return embedding.clone();
        }

        using var scope = NewDisposeScope();
        var grid = embedding.narrow(1, prefixTokens, shape[1] - prefixTokens).to(float32)
            .reshape(1, oldGrid, oldGrid, shape[2]).permute(0, 3, 1, 2);                                      // (1, C, old, old)
        var resized = nn.functional.interpolate(
            grid, size: [rows, columns], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true); // (1, C, rows, columns)
        var tokens = resized.permute(0, 2, 3, 1).reshape(1, -1, shape[2]).to(embedding.dtype);                  // (1, rows*columns, C)
        return cat([embedding.narrow(1, 0, prefixTokens), tokens], dim: 1).MoveToOuterDisposeScope();
    }

    /// <summary>Resizes a checkpoint's embedding to a model's grid where its old grid is a square one; else returns it as it is.</summary>
    internal static Tensor Fit(Tensor embedding, int prefixTokens, int rows, int columns)
    {
        if (embedding.shape.Length != 3 || embedding.shape[0] != 1)
        {
            return embedding;
        }

        var patches = embedding.shape[1] - prefixTokens;
        var oldGrid = (int)Math.Sqrt(Math.Max(0, patches));
        return oldGrid < 1 || (long)oldGrid * oldGrid != patches || patches == (long)rows * columns
            ? embedding
            : Resize(embedding, prefixTokens, oldGrid, rows, columns);
    }
}

/// <summary>The kernel of a patch embedding at another patch size (timm's <c>resample_patch_embed</c>; arXiv 2212.08013).</summary>
internal static class PatchKernel
{
    /// <summary>
    /// Finds the kernel that gives on enlarged or reduced patches what the old one gave on the old patches: the pseudo-inverse of the bicubic
    /// resizing (with antialiasing) applied to the kernel, not the resizing itself.
    /// </summary>
    /// <param name="kernel">Float <c>[C, 3, old, old]</c>; it is not changed.</param>
    /// <param name="newSize">Side of the new patch in pixels.</param>
    /// <returns><c>[C, 3, new, new]</c> in the same dtype.</returns>
    public static Tensor Resize(Tensor kernel, int newSize)
    {
        using var scope = NewDisposeScope();
        var (oldSize, shape) = (kernel.shape[2], kernel.shape);
        var pixels = eye(oldSize * oldSize, dtype: float64).view(-1, 1, oldSize, oldSize);                        // each pixel of a patch alone
        var resizing = nn.functional.interpolate(
            pixels, size: [newSize, newSize], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true).flatten(1); // (old*old, new*new)
        var back = linalg.pinv(resizing, atol: null, rtol: null);                                                 // (new*new, old*old)
        var resized = nn.functional.linear(kernel.to(float64).flatten(2), back);                                  // (C, 3, new*new)
        return resized.view(shape[0], shape[1], newSize, newSize).to(kernel.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Resizes a checkpoint's kernel to a model's patches where it is one of square patches; a matrix of whole patches (old files have linear layers) is taken as a
    /// kernel of the model's size. Else returns it as it is.
    /// </summary>
    internal static Tensor Fit(Tensor kernel, int patchSize) => kernel.shape switch
    {
        [var channels, var inputs] when inputs == 3L * patchSize * patchSize => kernel.reshape(channels, 3, patchSize, patchSize),
        [_, _, var height, var width] when height == width && height != patchSize => Resize(kernel, patchSize),
        _ => kernel,
    };
}

/// <summary>Relative position bias tables (Swin, BEiT) at another window size (timm's <c>resize_rel_pos_bias_table</c>).</summary>
internal static class RelativePositionBias
{
    /// <summary>
    /// Interpolates a table bilinearly between positions whose distances grow geometrically from the centre, so that near
    /// neighbours keep their biases and the far ends of the old table lie at the far ends of the new one (the scheme of BEiT).
    /// </summary>
    /// <param name="table">Float <c>[(2w-1)^2 + extra, heads]</c> of a square window w; it is not changed.</param>
    /// <param name="rows">Rows of the new window, at least 1.</param>
    /// <param name="columns">Columns of the new window, at least 1.</param>
    /// <param name="extra">Rows at the table's end that belong to no offset and are copied: BEiT has 3 for its class token.</param>
    /// <returns><c>[(2 rows - 1)(2 columns - 1) + extra, heads]</c> in the same dtype; a new tensor even where the sizes agree.</returns>
    /// <exception cref="SpectralKDException">The table is not that of a square window.</exception>
    public static Tensor Resize(Tensor table, int rows, int columns, int extra = 0)
    {
        var oldSide = SideOf(table, extra);
        if (oldSide < 1 || rows < 1 || columns < 1)
        {
            throw new SpectralKDException(
                $"a bias table of shape [{string.Join(", ", table.shape)}] is not [(2w-1)^2 + {extra}, heads], or the new window {rows}x{columns} is empty");
        }

        var (newRows, newColumns) = ((2 * rows) - 1, (2 * columns) - 1);
        if (oldSide == newRows && oldSide == newColumns)
        {
            return table.clone();
        }

        using var scope = NewDisposeScope();
        var (heads, offsets) = (table.shape[1], (long)oldSide * oldSide);
        var old = table.narrow(0, 0, offsets).to(float64).transpose(0, 1).contiguous().view(heads, oldSide, oldSide); // (heads, old, old)
        var high = einsum("no,hop->hnp", tensor(Interpolation(oldSide, newRows)), old);                             // (heads, new rows, old)
        var resized = einsum("mp,hnp->hnm", tensor(Interpolation(oldSide, newColumns)), high);                      // (heads, new rows, new columns)
        var flat = resized.reshape(heads, -1).transpose(0, 1).to(table.dtype);
        return cat([flat, table.narrow(0, offsets, extra)], dim: 0).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Resizes a checkpoint's table to a model's window where it is one of another square window; else returns it as it is.</summary>
    /// <param name="table">The checkpoint's table.</param>
    /// <param name="rows">Rows of the model's window.</param>
    /// <param name="columns">Columns of the model's window.</param>
    /// <param name="extra">As for <see cref="Resize"/>.</param>
    internal static Tensor Fit(Tensor table, int rows, int columns, int extra = 0) =>
        SideOf(table, extra) is var side && (side < 1 || (side == (2 * rows) - 1 && rows == columns)) ? table : Resize(table, rows, columns, extra);

    /// <summary>Side of the square of offsets; 0 where the table has none.</summary>
    private static int SideOf(Tensor table, int extra)
    {
        var offsets = table.shape.Length == 2 ? table.shape[0] - extra : 0;
        var side = offsets > 0 ? (int)Math.Round(Math.Sqrt(offsets)) : 0;
        return side % 2 == 1 && (long)side * side == offsets ? side : 0;
    }

    /// <summary>Linear interpolation from the old positions to the new ones as a matrix <c>[new, old]</c>.</summary>
    private static double[,] Interpolation(int oldSide, int newSide)
    {
        var positions = OldPositions(oldSide, newSide);
        var weights = new double[newSide, oldSide];
        for (var i = 0; i < newSide; i++)
        {
            var x = (double)(i - (newSide / 2));
            var right = Array.FindIndex(positions, position => position >= x);
            right = right < 0 ? oldSide - 1 : right;
            var left = Math.Max(0, right - 1);
            var (toLeft, toRight) = (Math.Max(0, x - positions[left]), Math.Max(0, positions[right] - x));
            (toLeft, toRight) = toLeft == 0 && toRight == 0 ? (1, 1) : (toLeft, toRight);
            weights[i, left] += toRight / (toLeft + toRight);
            weights[i, right] += toLeft / (toLeft + toRight);
        }

        return weights;
    }

    /// <summary>0, 1, 1 + q, 1 + q + q^2, … and their negatives, with q so that the last one reaches the new table's end.</summary>
    private static double[] OldPositions(int oldSide, int newSide)
    {
        var (reach, target, q) = (oldSide / 2, newSide / 2, 0.0);
        for (var (low, high) = (1.01, 1.5); high - low > 1e-6;)
        {
            q = (low + high) / 2;
            (low, high) = (1 - Math.Pow(q, reach)) / (1 - q) > target ? (low, q) : (q, high);
        }

        var distances = new double[reach];
        for (var (i, distance) = (0, 1.0); i < reach; i++)
        {
            distances[i] = distance;
            distance += Math.Pow(q, i + 1);
        }

        return [.. Enumerable.Reverse(distances).Select(distance => -distance), 0, .. distances];
    }
}
