using SpectralKD.Native;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>
/// Self-attention inside windows, with a learned bias for each offset between two patches. Windows made by a cyclic shift hold
/// patches that are no neighbours in the image; a mask of -100 keeps those apart.
/// </summary>
internal sealed class WindowAttention : nn.Module<Tensor, Tensor>
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
        var (window, reach) = (stage.Window, (2 * stage.Window) - 1);
        _heads = stage.Heads;
        _index = new PlacedTensor(() => WindowGeometry.RelativePositionIndex(window));
        _mask = shifted ? new PlacedTensor(() => WindowGeometry.ShiftMask(stage)) : null;
        _biasTable = NewParameter.Zeros(reach * reach, stage.Heads);
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
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B*nW, nh, w*w, d)
        var queries = qkv[0].Times(Math.Pow(dim / _heads, -0.5));
        var logits = Masked(matmul(queries, qkv[1].transpose(-2, -1)).Plus(Bias(tokens, count)));             // (B*nW, nh, w*w, w*w)
        var joined = matmul(logits.softmax(-1), qkv[2]).transpose(1, 2).reshape(batch, count, dim);           // (B*nW, w*w, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }

    private Tensor Bias(Tensor tokens, long count)
    {
        using var scope = NewDisposeScope();
        var rows = _biasTable.index_select(0, _index.At(tokens.device, ScalarType.Int64).view(-1)); // (w*w * w*w, nh)
        return rows.view(count, count, _heads).permute(2, 0, 1).MoveToOuterDisposeScope();          // (nh, w*w, w*w)
    }

    private Tensor Masked(Tensor logits)
    {
        if (_mask is null)
        {
            return logits;
        }

        using var scope = NewDisposeScope();
        var mask = _mask.At(logits.device, logits.dtype);                                              // (nW, w*w, w*w)
        var windows = logits.view([-1, mask.shape[0], _heads, mask.shape[1], mask.shape[2]]).Plus(mask.unsqueeze(1)); // (B, nW, nh, w*w, w*w)
        return windows.view(logits.shape).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _index.Dispose();
            _mask?.Dispose();
        }

        base.Dispose(disposing);
    }
}
