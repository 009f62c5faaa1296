using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Sizes of a vision transformer (arXiv 2010.11929) in its ViT, DeiT (2012.12877) and DeiT-III (2204.07118) forms.</summary>
public sealed record VisionTransformerSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => Name.StartsWith("deit", StringComparison.Ordinal) ? "DeiT" : "ViT";

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Initial layer scale of the residual branches (DeiT-III: 1e-6); null for none.</summary>
    public double? LayerScale { get; init; }

    /// <summary>True for DeiT's distilled form: a second token and a second head, whose logits are averaged.</summary>
    public bool Distilled { get; init; }

    /// <summary>True where the class token has a position embedding too (ViT, DeiT); false for DeiT-III.</summary>
    public bool ClassPosition { get; init; } = true;

    /// <summary>Tokens before the patch tokens: 1, or 2 when distilled.</summary>
    public int PrefixTokens => Distilled ? 2 : 1;

    /// <inheritdoc/>
    public override VisionModel Build() => new VisionTransformer(this);

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key switch
    {
        "cls_token" => new(InitialDistribution.Normal, 1e-6),
        _ when key.EndsWith(".gamma", StringComparison.Ordinal) => new(InitialDistribution.Constant, LayerScale ?? 1),
        _ => base.InitialOf(key, shape),
    };

    /// <inheritdoc/>
    protected override void CheckSizes() => RequireBlocks(Depth, EmbedDim, Heads);

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long dim = EmbedDim, patches = GridSize * GridSize, tokens = patches + PrefixTokens;
        var hidden = Hidden(dim, MlpRatio);
        var scale = LayerScale is null ? 0 : 2 * dim;
        var blocks = Enumerable.Range(0, Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", EmbedDim, GridSize, GridSize),
            Block(dim, hidden) + scale,
            BlockMultiplyAdds(tokens, tokens, dim, hidden))).ToArray();

        var positions = (ClassPosition ? tokens : patches) * dim;
        var prefix = PrefixTokens * dim;
        var heads = PrefixTokens;
        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(PatchSize, dim) + positions + prefix + Norm(dim) + (heads * Linear(dim, Classes)),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, dim) + (heads * dim * Classes));
    }
}

/// <summary>
/// ViT, DeiT and DeiT-III as timm 1.0.11 computes them: patch tokens and a class token, pre-norm blocks, a norm over all tokens, and
/// a linear head on the class token. Distilled models carry a second token with a head of its own.
/// </summary>
public sealed class VisionTransformer : TimmModel
{
    private readonly VisionTransformerSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "dist_token")]
    private readonly Parameter? _distillationToken;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TransformerBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear _head;

    [ComponentName(Name = "head_dist")]
    private readonly Linear? _distillationHead;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public VisionTransformer(VisionTransformerSpec spec)
        : base(spec)
    {
        _sizes = spec;
        var dim = spec.EmbedDim;
        var patches = spec.GridSize * spec.GridSize;
        _classToken = NewParameter.Zeros(1, 1, dim);
        _positions = NewParameter.Zeros(1, patches + (spec.ClassPosition ? spec.PrefixTokens : 0), dim);
        _distillationToken = spec.Distilled ? NewParameter.Zeros(1, 1, dim) : null;
        _patches = new PatchEmbedding(spec.PatchSize, dim);
        var rates = DropPath.Linear(spec.DropPathRate, spec.Depth);
        _blocks = nn.ModuleList(rates.Select(rate => new TransformerBlock(spec, rate)).ToArray());
        _norm = new LayerNorm(dim, epsilon: 1e-6);
        _head = new Linear(dim, spec.Classes);
        _distillationHead = spec.Distilled ? new Linear(dim, spec.Classes) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token", "dist_token" };

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <summary>The two heads of a distilled model, not averaged.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <returns>Logits of the class token and of the distillation token, each <c>[B, classes]</c>.</returns>
    /// <exception cref="SpectralKDException">The model is not a distilled one, or the input's shape does not fit.</exception>
    public (Tensor Class, Tensor Distillation) ForwardHeads(Tensor images)
    {
        if (_distillationHead is null)
        {
            throw new SpectralKDException($"{Spec.Name} has one head: only distilled models have a distillation head.");
        }

        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var features = Features(images, KeptMaps.None);
        return (_head.forward(features.select(1, 0)).MoveToOuterDisposeScope(),
            _distillationHead.forward(features.select(1, 1)).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) => key == "pos_embed"
        ? PositionEmbedding.Fit(value, _sizes.ClassPosition ? _sizes.PrefixTokens : 0, _sizes.GridSize)
        : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var features = Features(images, kept);
        var logits = _head.forward(features.select(1, 0)); // (B, classes)
        return _distillationHead is null ? logits : logits.Plus(_distillationHead.forward(features.select(1, 1))).Over(2);
    }

    private Tensor Features(Tensor images, KeptMaps kept)
    {
        var tokens = Embed(images); // (B, prefix + N, C)
        for (var i = 0; i < _blocks.Count; i++)
        {
            var input = tokens;
            tokens = _blocks[i].forward(input);
            input.Dispose();
            if (kept.Wants(i))
            {
                kept.Keep(i, TokenGrid.ToMap(tokens, _sizes.PrefixTokens, _sizes.GridSize)); // (B, C, H, W)
            }
        }

        return _norm.forward(tokens);
    }

    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        var patches = _patches.forward(images); // (B, N, C)
        var tokens = _sizes.ClassPosition
            ? WithPrefix(patches).Plus(_positions)
            : WithPrefix(patches.Plus(_positions));
        return tokens.MoveToOuterDisposeScope(); // (B, prefix + N, C)
    }

    private Tensor WithPrefix(Tensor patches)
    {
        var batch = patches.shape[0];
        var first = _classToken.expand(batch, -1, -1);
        return _distillationToken is null
            ? cat([first, patches], dim: 1)
            : cat([first, _distillationToken.expand(batch, -1, -1), patches], dim: 1);
    }
}

/// <summary>Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)); layer scale where the model has it.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly SelfAttention _attention;

    [ComponentName(Name = "ls1")]
    private readonly LayerScale? _attentionScale;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    [ComponentName(Name = "ls2")]
    private readonly LayerScale? _mlpScale;

    public TransformerBlock(VisionTransformerSpec spec, double dropPath)
        : base(nameof(TransformerBlock))
    {
        _dropPath = new DropPath(dropPath);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new SelfAttention(spec.EmbedDim, spec.Heads);
        _attentionScale = spec.LayerScale is { } first ? new LayerScale(spec.EmbedDim, first) : null;
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        _mlpScale = spec.LayerScale is { } second ? new LayerScale(spec.EmbedDim, second) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var attended = Scaled(_attentionScale, _attention.forward(_attentionNorm.forward(tokens))); // (B, N, C)
        tokens = _dropPath.Add(tokens, attended, training);
        var processed = Scaled(_mlpScale, _mlp.forward(_mlpNorm.forward(tokens)));                  // (B, N, C)
        return _dropPath.Add(tokens, processed, training).MoveToOuterDisposeScope();
    }

    private static Tensor Scaled(LayerScale? scale, Tensor branch) => scale is null ? branch : scale.forward(branch);
}

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
