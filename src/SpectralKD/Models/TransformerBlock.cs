using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)); layer scale where the model has it.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>, ITappedBlock
{
    private readonly DropPath _dropPath;

    [ComponentName(Name = "proj_in")]
    private readonly Linear? _widening;

    [ComponentName(Name = "proj_norm")]
    private readonly LayerNorm? _widenedNorm;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly SelfAttention _attention;

    [ComponentName(Name = "ls1")]
    private readonly LayerScale? _attentionScale;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly nn.Module<Tensor, Tensor> _mlp;

    [ComponentName(Name = "ls2")]
    private readonly LayerScale? _mlpScale;

    /// <param name="spec">The block's sizes.</param>
    /// <param name="dropPath">Its stochastic depth rate.</param>
    /// <param name="inputs">Channels of the block before where they differ: the residual stream starts anew from a linear map of all tokens and a norm.</param>
    public TransformerBlock(VisionTransformerSpec spec, double dropPath, int? inputs = null)
        : base(nameof(TransformerBlock))
    {
        _dropPath = new DropPath(dropPath);
        _widening = inputs is { } narrow && narrow != spec.EmbedDim ? new Linear(narrow, spec.EmbedDim, bias: false) : null;
        _widenedNorm = _widening is null ? null : new LayerNorm(spec.EmbedDim, spec.Epsilon);
        _attentionNorm = new LayerNorm(spec.EmbedDim, spec.Epsilon);
        _attention = new SelfAttention(spec.EmbedDim, spec.Heads, spec.QkvBias);
        _attentionScale = spec.LayerScale is { } first ? new LayerScale(spec.EmbedDim, first) : null;
        _mlpNorm = new LayerNorm(spec.EmbedDim, spec.Epsilon);
        _mlp = spec.MlpKind == MlpKind.SwiGluPacked ? new GatedMlp(spec.EmbedDim, spec.Hidden) : new Mlp(spec.EmbedDim, spec.Hidden, spec.Activation);
        _mlpScale = spec.LayerScale is { } second ? new LayerScale(spec.EmbedDim, second) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens) => Run(tokens, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor tokens, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        tokens = _widening is null ? tokens : _widenedNorm!.forward(_widening.forward(tokens));
        var attended = LayerScale.Of(_attentionScale, _attention.Run(_attentionNorm.forward(tokens), tap)); // (B, N, C)
        tokens = _dropPath.AddBranches(tokens, attended, mid => LayerScale.Of(_mlpScale, _mlp.forward(_mlpNorm.forward(mid))), training, tap);
        tap?.Offer(MapPoint.Resid, tokens);
        return tokens.MoveToOuterDisposeScope();
    }
}

/// <summary>Multi-head self-attention over all tokens, softmax(q k^T / sqrt(d)) v.</summary>
internal sealed class SelfAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public SelfAttention(int dim, int heads, bool qkvBias)
        : base(nameof(SelfAttention))
    {
        _heads = heads;
        _qkv = new Linear(dim, 3 * dim, qkvBias);
        _projection = new Linear(dim, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens) => Run(tokens, tap: null);

    /// <summary>The attention; its map is computed apart where it was asked for.</summary>
    public Tensor Run(Tensor tokens, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B, nh, N, d)
        tap?.OfferAttention(qkv[0], qkv[1]);
        var mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);                       // (B, nh, N, d)
        var joined = mixed.transpose(1, 2).reshape(batch, count, dim);                                        // (B, N, C)
        return _projection.forward(joined).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Pooling by attention (timm's <c>AttentionPoolLatent</c>): one learned query reads all tokens, then an MLP on what it read: <c>[B, N, C]</c> to <c>[B, C]</c>.
/// </summary>
internal sealed class AttentionPool : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;

    [ComponentName(Name = "latent")]
    private readonly Parameter _latent;

    [ComponentName(Name = "q")]
    private readonly Linear _query;

    [ComponentName(Name = "kv")]
    private readonly Linear _keysAndValues;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public AttentionPool(VisionTransformerSpec spec)
        : base(nameof(AttentionPool))
    {
        var dim = spec.EmbedDim;
        _heads = spec.Heads;
        _latent = NewParameter.Zeros(1, 1, dim);
        _query = new Linear(dim, dim);
        _keysAndValues = new Linear(dim, 2 * dim);
        _projection = new Linear(dim, dim);
        _norm = new LayerNorm(dim, spec.Epsilon);
        _mlp = new Mlp(dim, spec.Hidden, spec.Activation);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var query = _query.forward(_latent.expand(batch, -1, -1)).reshape(batch, 1, _heads, dim / _heads).transpose(1, 2);             // (B, nh, 1, d)
        var kv = _keysAndValues.forward(tokens).reshape(batch, count, 2, _heads, dim / _heads).permute(2, 0, 3, 1, 4);               // (2, B, nh, N, d)
        var read = nn.functional.scaled_dot_product_attention(query, kv[0], kv[1]);                                                  // (B, nh, 1, d)
        var pooled = _projection.forward(read.transpose(1, 2).reshape(batch, 1, dim));                                               // (B, 1, C)
        return pooled.Plus(_mlp.forward(_norm.forward(pooled))).select(1, 0).MoveToOuterDisposeScope();                              // (B, C)
    }
}
