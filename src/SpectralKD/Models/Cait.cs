using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Sizes of a CaiT (arXiv 2103.17239): talking-heads blocks on patch tokens, then class-attention blocks on the class token.</summary>
public sealed record CaitSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "CaiT";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Number of blocks on patch tokens.</summary>
    public int Depth { get; init; } = 24;

    /// <summary>Number of class-attention blocks.</summary>
    public int ClassDepth { get; init; } = 2;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Initial layer scale of the residual branches.</summary>
    public double LayerScale { get; init; } = 1e-5;

    internal override TimmConstruction? TimmConstruction => new("cait_xxs24_224", new Dictionary<string, object>
    {
        ["patch_size"] = PatchSize,
        ["embed_dim"] = EmbedDim,
        ["depth"] = Depth,
        ["num_heads"] = Heads,
        ["mlp_ratio"] = MlpRatio,
        ["init_values"] = LayerScale,
        ["depth_token_only"] = ClassDepth,
    });

    /// <inheritdoc/>
    public override VisionModel Build() => new Cait(this);

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key.Contains(".gamma_", StringComparison.Ordinal)
        ? new(InitialDistribution.Constant, LayerScale)
        : base.InitialOf(key, shape);

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        RequireBlocks(Depth, EmbedDim, Heads);
        Require(ClassDepth >= 1, $"has {ClassDepth} class-attention blocks: give at least 1");
    }

    /// <summary>Counts the model. The class-attention blocks hand out no map and count with the rest.</summary>
    protected override ModelFigures CountParts()
    {
        long dim = EmbedDim, patches = GridHeight * GridWidth, heads = Heads;
        var hidden = Hidden(dim, MlpRatio);
        var block = Block(dim, hidden) + (2 * dim);
        var blocks = Enumerable.Range(0, Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", EmbedDim, GridHeight, GridWidth),
            block + (2 * Linear(heads, heads)),
            BlockMultiplyAdds(patches, patches, dim, hidden) + (2 * patches * patches * heads * heads))).ToArray();

        // One query, keys and values of all tokens, the MLP on one token.
        var classBlock = (2 * dim * dim) + (2 * (patches + 1) * dim * dim) + (2 * (patches + 1) * dim) + (2 * dim * hidden);
        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(PatchSize, dim) + ((patches + 1) * dim) + (ClassDepth * block) + Norm(dim) + Linear(dim, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, dim) + (ClassDepth * classBlock) + (dim * Classes));
    }
}

/// <summary>
/// CaiT as timm 1.0.11 computes it: patch tokens alone pass the talking-heads blocks; the class token enters afterwards and reads
/// them in class-attention blocks, which leave the patch tokens as they are.
/// </summary>
public sealed class Cait : TimmModel
{
    private readonly CaitSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TalkingHeadsBlock> _blocks;

    [ComponentName(Name = "blocks_token_only")]
    private readonly ModuleList<ClassAttentionBlock> _classBlocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Cait(CaitSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _classToken = NewParameter.Zeros(1, 1, spec.EmbedDim);
        _positions = NewParameter.Zeros(1, spec.GridHeight * spec.GridWidth, spec.EmbedDim);
        _patches = new PatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _blocks = nn.ModuleList(Enumerable.Range(0, spec.Depth).Select(_ => new TalkingHeadsBlock(spec)).ToArray());
        _classBlocks = nn.ModuleList(Enumerable.Range(0, spec.ClassDepth).Select(_ => new ClassAttentionBlock(spec)).ToArray());
        _norm = new LayerNorm(spec.EmbedDim, epsilon: 1e-6);
        _head = spec.Classes == 0 ? null : new Linear(spec.EmbedDim, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token" };

    /// <inheritdoc/>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <summary>Of the blocks on patch tokens. What multiplies the values are the softmax's rows after the heads were mixed, so that they need not sum to 1.</summary>
    public override IReadOnlyList<string> AttentionNames => [.. Blocks.Select(block => $"{block.Name}.attn")];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key == "pos_embed" ? PositionEmbedding.Fit(value, prefixTokens: 0, _sizes.GridHeight, _sizes.GridWidth) : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var patches = Embed(images); // (B, N, C)
        patches = _blocks.Run(patches, i => kept.TapOf(i, $"blocks.{i}", ToMap));
        return Classify(patches);
    }

    private Tensor ToMap(Tensor patches) => TokenGrid.ToMap(patches, prefix: 0, _sizes.GridHeight, _sizes.GridWidth); // (B, C, H, W)

    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _patches.forward(images).Plus(_positions).MoveToOuterDisposeScope(); // (B, N, C)
    }

    private Tensor Classify(Tensor patches)
    {
        using var scope = NewDisposeScope();
        var token = _classToken.expand(patches.shape[0], -1, -1); // (B, 1, C)
        foreach (var block in _classBlocks)
        {
            token = block.forward(token, patches);
        }

        // The final norm works token by token, so the class token alone gives the same logits as the whole sequence.
        var pooled = _norm.forward(token).select(1, 0);                          // (B, C)
        return (_head?.forward(pooled) ?? pooled).MoveToOuterDisposeScope();     // (B, classes)
    }
}

/// <summary>CaiT's block on patch tokens: pre-norm talking-heads attention and MLP, both with layer scale.</summary>
internal sealed class TalkingHeadsBlock : nn.Module<Tensor, Tensor>, ITappedBlock
{
    private const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "gamma_1")]
    private readonly Parameter _attentionScale;

    [ComponentName(Name = "gamma_2")]
    private readonly Parameter _mlpScale;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly TalkingHeadsAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public TalkingHeadsBlock(CaitSpec spec)
        : base(nameof(TalkingHeadsBlock))
    {
        _dropPath = new DropPath(spec.DropPathRate); // the same rate in every block
        _attentionScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _mlpScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new TalkingHeadsAttention(spec.EmbedDim, spec.Heads);
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        RegisterComponents();
    }

    public override Tensor forward(Tensor patches) => Run(patches, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor patches, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = Overwriting.Scaled(_attention.Run(_attentionNorm.forward(patches), tap), _attentionScale); // (B, N, C)
        patches = _dropPath.AddBranches(patches, attended, mid => Overwriting.Scaled(_mlp.forward(_mlpNorm.forward(mid)), _mlpScale), training, tap);
        tap?.Offer(MapPoint.Resid, patches);
        return patches.MoveToOuterDisposeScope();
    }
}

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

    public override Tensor forward(Tensor tokens) => Run(tokens, tap: null);

    /// <summary>The attention, with somebody who may take its map.</summary>
    public Tensor Run(Tensor tokens, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B, nh, N, d)
        var queries = qkv[0].Times(Math.Pow(dim / _heads, -0.5));
        var logits = _mixLogits.forward(matmul(queries, qkv[1].transpose(-2, -1)));                           // (B, nh, N, N)
        var weights = _mixWeights.forward(logits.softmax(-1));                                                // (B, nh, N, N)
        var joined = matmul(weights, qkv[2]).transpose(1, 2).reshape(batch, count, dim);                      // (B, N, C)
        if (tap is { WantsAttention: true })
        {
            tap.OfferAttention(weights);
        }

        return _projection.forward(joined).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// A linear map over the heads of attention maps: <c>[B, nh, N, N]</c> to the same shape. As one matrix product for each image it
/// needs no permuted copies, which makes it more than twice as fast as a linear layer over a last dimension.
/// </summary>
internal sealed class HeadMixing : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public HeadMixing(int heads)
        : base(nameof(HeadMixing))
    {
        _weight = NewParameter.Zeros(heads, heads);
        _bias = NewParameter.Zeros(heads);
        RegisterComponents();
    }

    public override Tensor forward(Tensor attention)
    {
        using var scope = NewDisposeScope();
        var weight = _weight.unsqueeze(0).expand(attention.shape[0], -1, -1);               // (B, nh, nh)
        var product = bmm(weight, attention.flatten(2));                                    // (B, nh, N*N)
        var mixed = Overwriting.Allowed ? product.AddInPlace(_bias.unsqueeze(1)) : product.Plus(_bias.unsqueeze(1));
        return mixed.view(attention.shape).MoveToOuterDisposeScope();
    }
}

/// <summary>CaiT's block on the class token: it reads the patch tokens and leaves them unchanged. It has no drop path.</summary>
internal sealed class ClassAttentionBlock : nn.Module<Tensor, Tensor, Tensor>
{
    private const double Epsilon = 1e-6;

    [ComponentName(Name = "gamma_1")]
    private readonly Parameter _attentionScale;

    [ComponentName(Name = "gamma_2")]
    private readonly Parameter _mlpScale;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly ClassAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public ClassAttentionBlock(CaitSpec spec)
        : base(nameof(ClassAttentionBlock))
    {
        _attentionScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _mlpScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new ClassAttention(spec.EmbedDim, spec.Heads);
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        RegisterComponents();
    }

    public override Tensor forward(Tensor token, Tensor patches)
    {
        using var scope = NewDisposeScope();
        var all = cat([token, patches], dim: 1);                                                       // (B, 1 + N, C)
        token = token.Plus(_attentionScale * _attention.forward(_attentionNorm.forward(all)));          // (B, 1, C)
        token = token.Plus(_mlpScale * _mlp.forward(_mlpNorm.forward(token)));                          // (B, 1, C)
        return token.MoveToOuterDisposeScope();
    }
}

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
