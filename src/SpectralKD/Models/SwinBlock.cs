using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>Swin's block on maps <c>[B, H, W, C]</c>: attention in windows, shifted in every second block, then an MLP; both pre-norm.</summary>
internal sealed class SwinBlock : nn.Module<Tensor, Tensor>, ITappedBlock
{
    private const double Epsilon = 1e-5;
    private readonly DropPath _dropPath;
    private readonly MapShape _window;
    private readonly MapShape _shift;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly WindowAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public SwinBlock(SwinStageSpec stage, double mlpRatio, bool second, double dropPath)
        : base(nameof(SwinBlock))
    {
        _dropPath = new DropPath(dropPath);
        (_window, _shift) = (stage.Window, second ? stage.Shift : 0);
        _attentionNorm = new LayerNorm(stage.Channels, Epsilon);
        _attention = new WindowAttention(stage, shifted: _shift != 0);
        _mlpNorm = new LayerNorm(stage.Channels, Epsilon);
        _mlp = new Mlp(stage.Channels, (int)(stage.Channels * mlpRatio));
        RegisterComponents();
    }

    public WindowAttention Attention => _attention;

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = WindowGeometry.Attended(_attentionNorm.forward(map), _window, _shift, _attention.forward); // (B, H, W, C)
        map = _dropPath.AddBranches(map, attended, mid => _mlp.forward(_mlpNorm.forward(mid)), training, tap);
        tap?.Offer(MapPoint.Resid, map);
        return map.MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Self-attention inside windows, with a learned bias for each offset between two patches. Windows made by a cyclic shift hold
/// patches that are no neighbours in the image; a mask of -100 keeps those apart.
/// </summary>
internal sealed class WindowAttention : LayerWithConstants
{
    private readonly int _heads;
    private readonly PlacedTensor _index;
    private readonly PlacedTensor? _mask;

    [ComponentName(Name = "relative_position_bias_table")]
    private readonly Parameter _biasTable;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public WindowAttention(SwinStageSpec stage, bool shifted)
        : base(nameof(WindowAttention))
    {
        _heads = stage.Heads;
        _index = Constant(() => RelativePositions.Between(stage.Window.Rows, stage.Window.Columns));
        _mask = shifted ? Constant(() => WindowGeometry.ShiftMask(stage)) : null;
        _biasTable = NewParameter.Zeros(stage.Offsets, stage.Heads);
        _qkv = new Linear(stage.Channels, 3 * stage.Channels);
        _projection = new Linear(stage.Channels, stage.Channels);
        RegisterComponents();
    }

    /// <summary>Index into the bias table for each pair of patches of a window, int64 <c>[w*w, w*w]</c>.</summary>
    public PlacedTensor Index => _index;

    /// <summary>0 or -100 for each pair of patches of each window, <c>[windows, w*w, w*w]</c>; null without a shift.</summary>
    public PlacedTensor? Mask => _mask;

    /// <summary><c>[B * windows, w*w, C]</c> to the same shape.</summary>
    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var bias = RelativePositions.Bias(_biasTable, _index.At(tokens.device, ScalarType.Int64)); // (nh, w*w, w*w)
        var masked = RelativePositions.Masked(bias, _mask?.At(tokens.device, tokens.dtype), tokens.shape[0]);
        return _projection.forward(BiasedAttention.OfTokens(_qkv.forward(tokens), _heads, masked)).MoveToOuterDisposeScope(); // (B*nW, w*w, C)
    }
}

/// <summary>Where patches lie in windows: the constants of shifted-window attention, and cutting maps into windows.</summary>
internal static class WindowGeometry
{
    /// <summary>
    /// -100 for each pair of patches of a window that come from different parts of the image, else 0. float <c>[windows, w*w, w*w]</c>.
    /// </summary>
    public static Tensor ShiftMask(SwinStageSpec stage)
    {
        var (window, area) = (stage.Window, stage.Window.Count);
        var padded = stage.NominalSize.With(window, SwinStageSpec.Padded);
        var windows = padded.With(window, (side, length) => side / length);
        var mask = new float[windows.Count, area, area];
        for (var w = 0; w < windows.Count; w++)
        {
            var regions = Enumerable.Range(0, area).Select(patch =>
                (3 * Region(padded.Rows, window.Rows, stage.Shift.Rows, (w / windows.Columns * window.Rows) + (patch / window.Columns)))
                + Region(padded.Columns, window.Columns, stage.Shift.Columns, (w % windows.Columns * window.Columns) + (patch % window.Columns))).ToArray();
            for (var pair = 0; pair < area * area; pair++)
            {
                mask[w, pair / area, pair % area] = regions[pair / area] == regions[pair % area] ? 0 : -100;
            }
        }

        return tensor(mask);
    }

    /// <summary>Shift, pad at the right and bottom to whole windows, attend, cut the padding off, shift back: in this order.</summary>
    /// <param name="map"><c>[B, H, W, C]</c>.</param>
    /// <param name="window">The window in patches.</param>
    /// <param name="shift">How far the map is shifted; 0 for not at all.</param>
    /// <param name="attention"><c>[B * windows, w*w, C]</c> to the same shape.</param>
    /// <param name="interval">How far apart the patches of a window lie; 1 for neighbours.</param>
    public static Tensor Attended(Tensor map, MapShape window, MapShape shift, Func<Tensor, Tensor> attention, int interval = 1)
    {
        using var scope = NewDisposeScope();
        var size = new MapShape((int)map.shape[1], (int)map.shape[2]);
        var whole = size.With(window.Each(side => side * interval), SwinStageSpec.Padded);
        var rolled = Rolled(map, shift.Each(side => -side));
        var padded = whole == size ? rolled : nn.functional.pad(rolled, [0, 0, 0, whole.Columns - size.Columns, 0, whole.Rows - size.Rows]); // (B, H', W', C)
        var windows = attention(Partition(padded.contiguous(), window, interval));                              // (B*nW, w*w, C)
        var merged = Reverse(windows, window, whole, interval).narrow(1, 0, size.Rows).narrow(2, 0, size.Columns); // (B, H, W, C)
        return Rolled(merged, shift).MoveToOuterDisposeScope();
    }

    /// <summary>2x2 neighbours side by side, an odd side padded: <c>[B, H, W, C]</c> to <c>[B, ⌈H/2⌉, ⌈W/2⌉, 4C]</c>, as (row, column) 00, 10, 01, 11.</summary>
    public static Tensor Neighbours(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        var (rows, columns) = ((height + 1) / 2, (width + 1) / 2);
        var even = nn.functional.pad(map, [0, 0, 0, width % 2, 0, height % 2]).contiguous();
        return even.view([batch, rows, 2, columns, 2, dim])                                           // (B, H/2, row, W/2, column, C)
            .permute(0, 1, 3, 4, 2, 5).reshape(batch, rows, columns, 4 * dim).MoveToOuterDisposeScope();
    }

    private static Tensor Rolled(Tensor map, MapShape by) => by == 0 ? map.alias() : map.roll([by.Rows, by.Columns], [1, 2]);

    /// <summary><c>[B, H, W, C]</c> to <c>[B * windows, w*w, C]</c>; H and W are multiples of the window. Patches <paramref name="interval"/> apart form a window.</summary>
    public static Tensor Partition(Tensor map, MapShape window, int interval = 1)
    {
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        return map.view([batch, height / window.Rows / interval, window.Rows, interval, width / window.Columns / interval, window.Columns, interval, dim]) // (B, nH, w, i, nW, w, i, C)
            .permute(0, 1, 4, 3, 6, 2, 5, 7).reshape(-1, window.Count, dim);                                                                              // (B*nH*nW*i*i, w*w, C)
    }

    /// <summary>Undoes <see cref="Partition"/>: <c>[B * windows, w*w, C]</c> to <c>[B, H, W, C]</c>.</summary>
    public static Tensor Reverse(Tensor windows, MapShape window, MapShape size, int interval = 1)
    {
        var (number, dim) = (size.With(window, (side, length) => side / length / interval), windows.shape[2]);
        return windows.view([-1, number.Rows, number.Columns, interval, interval, window.Rows, window.Columns, dim]) // (B, nH, nW, i, i, w, w, C)
            .permute(0, 1, 5, 3, 2, 6, 4, 7).reshape(-1, size.Rows, size.Columns, dim);                              // (B, H, W, C)
    }

    /// <summary>After the shift the last window of a side holds two parts: its end, and what came round from the start.</summary>
    private static int Region(int side, int window, int shift, int position) => position < side - window ? 0 : position < side - shift ? 1 : 2;
}
