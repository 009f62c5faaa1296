using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Where patches lie in windows: the constants of shifted-window attention, and cutting maps into windows.</summary>
internal static class WindowGeometry
{
    /// <summary>Row of the bias table for each pair of patches: the offset between them, rows first. int64 <c>[w*w, w*w]</c>.</summary>
    public static Tensor RelativePositionIndex(int window)
    {
        var (area, reach) = (window * window, (2 * window) - 1);
        var index = new long[area, area];
        for (var from = 0; from < area; from++)
        {
            for (var to = 0; to < area; to++)
            {
                var rows = (from / window) - (to / window) + window - 1;
                var columns = (from % window) - (to % window) + window - 1;
                index[from, to] = (rows * reach) + columns;
            }
        }

        return tensor(index);
    }

    /// <summary>
    /// -100 for each pair of patches of a window that come from different parts of the image, else 0. float <c>[windows, w*w, w*w]</c>.
    /// </summary>
    public static Tensor ShiftMask(SwinStageSpec stage)
    {
        var (window, area) = (stage.Window, stage.Window * stage.Window);
        var perSide = (stage.NominalSize + window - 1) / window;
        var mask = new float[perSide * perSide, area, area];
        for (var w = 0; w < perSide * perSide; w++)
        {
            var regions = Enumerable.Range(0, area).Select(patch =>
                (3 * Region(stage, perSide, (w / perSide * window) + (patch / window)))
                + Region(stage, perSide, (w % perSide * window) + (patch % window))).ToArray();
            for (var pair = 0; pair < area * area; pair++)
            {
                mask[w, pair / area, pair % area] = regions[pair / area] == regions[pair % area] ? 0 : -100;
            }
        }

        return tensor(mask);
    }

    /// <summary><c>[B, H, W, C]</c> to <c>[B * windows, w*w, C]</c>; H and W are multiples of the window.</summary>
    public static Tensor Partition(Tensor map, int window)
    {
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        return map.view([batch, height / window, window, width / window, window, dim]) // (B, nH, w, nW, w, C)
            .permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window, dim);              // (B*nH*nW, w*w, C)
    }

    /// <summary>Undoes <see cref="Partition"/>: <c>[B * windows, w*w, C]</c> to <c>[B, side, side, C]</c>.</summary>
    public static Tensor Reverse(Tensor windows, int window, long side)
    {
        var (perSide, dim) = (side / window, windows.shape[2]);
        return windows.view([-1, perSide, perSide, window, window, dim])               // (B, nH, nW, w, w, C)
            .permute(0, 1, 3, 2, 4, 5).reshape(-1, side, side, dim);                   // (B, H, W, C)
    }

    /// <summary>After the shift the last window of a side holds two parts: its end, and what came round from the start.</summary>
    private static int Region(SwinStageSpec stage, int perSide, int position)
    {
        var padded = perSide * stage.Window;
        return position < padded - stage.Window ? 0 : position < padded - stage.Shift ? 1 : 2;
    }
}
