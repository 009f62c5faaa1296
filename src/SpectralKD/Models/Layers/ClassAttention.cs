using TorchSharp.Utils;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Attention in which the first token alone asks, and all tokens (itself included) answer.</summary>
internal sealed class ClassAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "q")]
    private readonly Linear _query;

    [ComponentName(Name = "k")]
    private readonly Linear _key;

    [ComponentName(Name = "v")]
    private readonly Linear _value;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public ClassAttention(int dim, int heads)
        : base(nameof(ClassAttention))
    {
        _heads = heads;
        _query = new Linear(dim, dim);
        _key = new Linear(dim, dim);
        _value = new Linear(dim, dim);
        _projection = new Linear(dim, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var query = Heads(_query.forward(tokens.narrow(1, 0, 1))); // (B, nh, 1, d)
        var key = Heads(_key.forward(tokens));                     // (B, nh, 1 + N, d)
        var value = Heads(_value.forward(tokens));                 // (B, nh, 1 + N, d)
        var mixed = nn.functional.scaled_dot_product_attention(query, key, value);
        var joined = mixed.transpose(1, 2).flatten(2);             // (B, 1, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor tokens) =>
        tokens.reshape(tokens.shape[0], tokens.shape[1], _heads, tokens.shape[2] / _heads).transpose(1, 2); // (B, nh, n, d)
}
