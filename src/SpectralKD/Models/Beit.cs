using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a BEiT or BEiT v2 (arXiv 2106.08254, 2208.06366): a plain vision transformer with a class token whose only positions are a learned bias of each block
/// for each offset between two patches.
/// </summary>
public sealed record BeitSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "BEiT";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Initial layer scale of the residual branches (timm's <c>init_values</c>).</summary>
    public double LayerScale { get; init; } = 1e-5;

    internal override TimmConstruction? TimmConstruction => new("beit_base_patch16_224", new Dictionary<string, object>
    {
        ["patch_size"] = PatchSize,
        ["embed_dim"] = EmbedDim,
        ["depth"] = Depth,
        ["num_heads"] = Heads,
        ["mlp_ratio"] = MlpRatio,
        ["init_values"] = LayerScale,
    });

    /// <inheritdoc/>
    public override VisionModel Build() => new Beit(this);

    /// <summary>timm's values; the projections of block i that end a branch are divided by sqrt(2 (i + 1)).</summary>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key switch
    {
        _ when key.EndsWith("_bias", StringComparison.Ordinal) || key.EndsWith("_bias_table", StringComparison.Ordinal) => new(InitialDistribution.Constant, 0),
        _ when key.Contains(".gamma_", StringComparison.Ordinal) => new(InitialDistribution.Constant, LayerScale),
        _ when key.EndsWith(".attn.proj.weight", StringComparison.Ordinal) || key.EndsWith(".fc2.weight", StringComparison.Ordinal) =>
            new(InitialDistribution.Normal, 0.02 / Math.Sqrt(2 * (int.Parse(key.Split('.')[1]) + 1))),
        "head.weight" => new(InitialDistribution.Normal, 0.02 * 0.001),
        _ => base.InitialOf(key, shape),
    };

    /// <inheritdoc/>
    protected override void CheckSizes() => RequireBlocks(Depth, EmbedDim, Heads);

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long dim = EmbedDim, patches = (long)GridHeight * GridWidth, offsets = (((2L * GridHeight) - 1) * ((2L * GridWidth) - 1)) + RelativePositions.ClassRows;
        var hidden = Hidden(dim, MlpRatio);
        var block = Block(dim, hidden) - dim + (2 * dim) + (offsets * Heads); // no bias for keys; two layer scales
        return ModelFigures.Sum(
            [.. Enumerable.Range(0, Depth).Select(i => new BlockFigures(
                new BlockInfo(i, $"blocks.{i}", EmbedDim, GridHeight, GridWidth), block, BlockMultiplyAdds(patches + 1, patches + 1, dim, hidden)))],
            PatchEmbedding(PatchSize, dim) + dim + Norm(dim) + Linear(dim, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, dim) + (dim * Classes));
    }
}

/// <summary>
/// BEiT as timm 1.0.11 computes it. Its maps are the patch tokens after each block; the head takes the mean of the last ones, normed after it is taken.
/// </summary>
public sealed class Beit : TimmModel
{
    private readonly BeitSpec _sizes;
    private readonly PlacedTensor _index;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<BeitBlock> _blocks;

    [ComponentName(Name = "fc_norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Beit(BeitSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _index = new PlacedTensor(() => RelativePositions.WithClassToken(spec.GridHeight, spec.GridWidth));
        var rates = DropPath.Linear(spec.DropPathRate, spec.Depth);
        _classToken = NewParameter.Zeros(1, 1, spec.EmbedDim);
        _patches = new PatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _blocks = nn.ModuleList(rates.Select(rate => new BeitBlock(spec, rate)).ToArray());
        _norm = new LayerNorm(spec.EmbedDim, BeitBlock.Epsilon);
        _head = spec.Classes == 0 ? null : new Linear(spec.EmbedDim, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay => field ??=
        new HashSet<string>(named_parameters().Select(parameter => parameter.name).Where(IsBiasTable)) { "cls_token", "pos_embed" };

    /// <inheritdoc/>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <inheritdoc/>
    public override IReadOnlyList<string> AttentionNames => [.. Blocks.Select(block => $"{block.Name}.attn")];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) => key switch
    {
        "patch_embed.proj.weight" => PatchKernel.Fit(value, _sizes.PatchSize),
        _ when IsBiasTable(key) => RelativePositionBias.Fit(value, _sizes.GridHeight, _sizes.GridWidth, RelativePositions.ClassRows),
        _ => value,
    };

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var tokens = Tokens(images, kept);
        var pooled = _norm.forward(tokens.narrow(1, 1, tokens.shape[1] - 1).mean([1])); // (B, C)
        return _head?.forward(pooled) ?? pooled;                                        // (B, classes)
    }

    /// <summary>All tokens after the last block: <c>[B, 1 + N, C]</c>.</summary>
    internal Tensor Tokens(Tensor images, KeptMaps kept)
    {
        var patches = _patches.forward(images);                                       // (B, N, C)
        var tokens = cat([_classToken.expand(patches.shape[0], -1, -1), patches], 1); // (B, 1 + N, C)
        var index = _index.At(tokens.device, ScalarType.Int64);
        for (var i = 0; i < _blocks.Count; i++)
        {
            var input = tokens;
            tokens = _blocks[i].Run(input, index, kept.TapOf(i, $"blocks.{i}", ToMap));
            input.Dispose();
        }

        return tokens;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _index.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor ToMap(Tensor tokens) => TokenGrid.ToMap(tokens, prefix: 1, _sizes.GridHeight, _sizes.GridWidth); // (B, C, H, W)

    private static bool IsBiasTable(string key) => key.EndsWith(".relative_position_bias_table", StringComparison.Ordinal);
}

/// <summary>BEiT's block: pre-norm attention and MLP, both with layer scale.</summary>
internal sealed class BeitBlock : nn.Module
{
    public const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "gamma_1")]
    private readonly Parameter _attentionScale;

    [ComponentName(Name = "gamma_2")]
    private readonly Parameter _mlpScale;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly BeitAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public BeitBlock(BeitSpec spec, double dropPath)
        : base(nameof(BeitBlock))
    {
        _dropPath = new DropPath(dropPath);
        _attentionScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _mlpScale = NewParameter.Filled(spec.LayerScale, spec.EmbedDim);
        _attentionNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _attention = new BeitAttention(spec);
        _mlpNorm = new LayerNorm(spec.EmbedDim, Epsilon);
        _mlp = new Mlp(spec.EmbedDim, (int)(spec.EmbedDim * spec.MlpRatio));
        RegisterComponents();
    }

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor tokens, Tensor index, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = Overwriting.Scaled(_attention.Run(_attentionNorm.forward(tokens), index, tap), _attentionScale); // (B, 1 + N, C)
        tokens = _dropPath.AddBranches(tokens, attended, mid => Overwriting.Scaled(_mlp.forward(_mlpNorm.forward(mid)), _mlpScale), training, tap);
        tap?.Offer(MapPoint.Resid, tokens);
        return tokens.MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention with biases for queries and values, none for keys, and one learned bias for each offset between two patches and for the class token.</summary>
internal sealed class BeitAttention : nn.Module
{
    private readonly int _heads;

    [ComponentName(Name = "q_bias")]
    private readonly Parameter _queryBias;

    [ComponentName(Name = "v_bias")]
    private readonly Parameter _valueBias;

    [ComponentName(Name = "relative_position_bias_table")]
    private readonly Parameter _biasTable;

    [ComponentName(Name = "qkv")]
    private readonly BiasedProjection _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public BeitAttention(BeitSpec spec)
        : base(nameof(BeitAttention))
    {
        _heads = spec.Heads;
        _queryBias = NewParameter.Zeros(spec.EmbedDim);
        _valueBias = NewParameter.Zeros(spec.EmbedDim);
        _biasTable = NewParameter.Zeros((((2 * spec.GridHeight) - 1) * ((2 * spec.GridWidth) - 1)) + RelativePositions.ClassRows, spec.Heads);
        _qkv = new BiasedProjection(spec.EmbedDim);
        _projection = new Linear(spec.EmbedDim, spec.EmbedDim);
        RegisterComponents();
    }

    /// <summary>The attention; its map is computed apart where it was asked for.</summary>
    public Tensor Run(Tensor tokens, Tensor index, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var (batch, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var qkv = _qkv.forward(tokens, _queryBias, _valueBias).reshape(batch, count, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4); // (3, B, nh, 1 + N, d)
        var bias = RelativePositions.Bias(_biasTable, index);                                                                  // (nh, 1 + N, 1 + N)
        tap?.OfferAttention(qkv[0], qkv[1], bias);
        var mixed = BiasedAttention.Of(qkv[0], qkv[1], qkv[2], bias);                                                          // (B, nh, 1 + N, d)
        return _projection.forward(mixed.transpose(1, 2).reshape(batch, count, dim)).MoveToOuterDisposeScope();                // (B, 1 + N, C)
    }
}
