using SpectralKD.Native;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>
/// Self-attention whose heads are mixed by a linear map before and after the softmax (arXiv 2003.02436). The mixing stands between
/// the two matrix products, so no fused kernel computes it.
/// </summary>
internal sealed class TalkingHeadsAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "proj_l")]
    private readonly HeadMixing _mixLogits;

    [ComponentName(Name = "proj_w")]
    private readonly HeadMixing _mixWeights;

    public TalkingHeadsAttention(int dim, int heads)
        : base(nameof(TalkingHeadsAttention))
    {
        _heads = heads;
        _qkv = new Linear(dim, 3 * dim);
        _projection = new Linear(dim, dim);
        _mixLogits = new HeadMixing(heads);
        _mixWeights = new HeadMixing(heads);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B, nh, N, d)
        var queries = qkv[0].Times(Math.Pow(dim / _heads, -0.5));
        var logits = _mixLogits.forward(matmul(queries, qkv[1].transpose(-2, -1)));                           // (B, nh, N, N)
        var weights = _mixWeights.forward(logits.softmax(-1));                                                // (B, nh, N, N)
        var joined = matmul(weights, qkv[2]).transpose(1, 2).reshape(batch, count, dim);                      // (B, N, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }
}
