using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Multi-head self-attention over all tokens, softmax(q k^T / sqrt(d)) v.</summary>
internal sealed class SelfAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public SelfAttention(int dim, int heads)
        : base(nameof(SelfAttention))
    {
        _heads = heads;
        _qkv = new Linear(dim, 3 * dim);
        _projection = new Linear(dim, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B, nh, N, d)
        var mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);                       // (B, nh, N, d)
        var joined = mixed.transpose(1, 2).reshape(batch, count, dim);                                        // (B, N, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }
}
