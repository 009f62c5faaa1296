using static TorchSharp.torch;

namespace SpectralKD.Models;

/// <summary>Swin's relative position bias tables at another window size (timm's <c>resize_rel_pos_bias_table</c>).</summary>
public static class RelativePositionBias
{
    /// <summary>
    /// Interpolates a table bilinearly between positions whose distances grow geometrically from the centre, so that near
    /// neighbours keep their biases and the far ends of the old table lie at the far ends of the new one (the scheme of BEiT).
    /// </summary>
    /// <param name="table">Float <c>[(2w-1)^2, heads]</c> of a square window w; it is not changed.</param>
    /// <param name="newWindow">Side of the new window, at least 1.</param>
    /// <returns><c>[(2 newWindow - 1)^2, heads]</c> in the same dtype; a new tensor even where the sizes agree.</returns>
    /// <exception cref="SpectralKDException">The table is not that of a square window.</exception>
    public static Tensor Resize(Tensor table, int newWindow)
    {
        var oldSide = SideOf(table);
        if (oldSide < 1 || newWindow < 1)
        {
            throw new SpectralKDException(
                $"A bias table of shape [{string.Join(", ", table.shape)}] is not [(2w-1)^2, heads], or the new window {newWindow} is below 1.");
        }

        var newSide = (2 * newWindow) - 1;
        if (oldSide == newSide)
        {
            return table.clone();
        }

        using var scope = NewDisposeScope();
        var heads = table.shape[1];
        var old = table.to(float64).transpose(0, 1).contiguous().view(heads, oldSide, oldSide); // (heads, old, old)
        var weights = tensor(Interpolation(oldSide, newSide));                                  // (new, old)
        var rows = einsum("no,hop->hnp", weights, old);                                         // (heads, new, old)
        var resized = einsum("mp,hnp->hnm", weights, rows);                                     // (heads, new, new)
        return resized.reshape(heads, -1).transpose(0, 1).contiguous().to(table.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Resizes a checkpoint's table to a model's window where it is one of a square window; else returns it as it is.</summary>
    internal static Tensor Fit(Tensor table, int window) =>
        SideOf(table) is var side && (side < 1 || side == (2 * window) - 1) ? table : Resize(table, window);

    /// <summary>Side of the square of offsets; 0 where the table has none.</summary>
    private static int SideOf(Tensor table)
    {
        var side = table.shape.Length == 2 ? (int)Math.Round(Math.Sqrt(table.shape[0])) : 0;
        return side % 2 == 1 && (long)side * side == table.shape[0] ? side : 0;
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
