using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Swin's block on maps <c>[B, H, W, C]</c>: attention in windows, shifted in every second block, then an MLP; both pre-norm.</summary>
internal sealed class SwinBlock : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-5;
    private readonly DropPath _dropPath;
    private readonly int _window;
    private readonly int _shift;

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
        _attention = new WindowAttention(stage, shifted: _shift > 0);
        _mlpNorm = new LayerNorm(stage.Channels, Epsilon);
        _mlp = new Mlp(stage.Channels, (int)(stage.Channels * mlpRatio));
        RegisterComponents();
    }

    public WindowAttention Attention => _attention;

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        map = _dropPath.Add(map, Attend(_attentionNorm.forward(map)), training);     // (B, H, W, C)
        map = _dropPath.Add(map, _mlp.forward(_mlpNorm.forward(map)), training);     // (B, H, W, C)
        return map.MoveToOuterDisposeScope();
    }

    /// <summary>Shift, pad at the right and bottom to whole windows, attend, cut the padding off, shift back: in this order.</summary>
    private Tensor Attend(Tensor map)
    {
        using var scope = NewDisposeScope();
        var side = map.shape[1];
        var padding = (_window - (side % _window)) % _window;
        var padded = nn.functional.pad(Rolled(map, -_shift), [0, 0, 0, padding, 0, padding]);   // (B, H', W', C)
        var windows = _attention.forward(WindowGeometry.Partition(padded.contiguous(), _window)); // (B*nW, w*w, C)
        var merged = WindowGeometry.Reverse(windows, _window, side + padding)
            .narrow(1, 0, side).narrow(2, 0, side);                                               // (B, H, W, C)
        return Rolled(merged, _shift).MoveToOuterDisposeScope();
    }

    private static Tensor Rolled(Tensor map, int by) => by == 0 ? map.alias() : map.roll([by, by], [1, 2]);
}
