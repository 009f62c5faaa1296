using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of WideLast (arXiv 2511.15572, "Encoding Mismatch"): a vision transformer with a class token whose last block, final norm and head are as wide as a teacher,
/// so that its last map can meet the teacher's channel by channel.
/// </summary>
public sealed record WideLastSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "WideLast";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Number of blocks, the wide one included.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads of the narrow blocks.</summary>
    public required int Heads { get; init; }

    /// <summary>Channels of the last block.</summary>
    public required int LastDim { get; init; }

    /// <summary>Attention heads of the last block.</summary>
    public required int LastHeads { get; init; }

    /// <inheritdoc/>
    public override VisionModel Build() => new WideLast(this);

    /// <summary>The sizes of a block.</summary>
    internal VisionTransformerSpec BlockSizes(int block) => new()
    {
        Name = Name,
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        EmbedDim = block == Depth - 1 ? LastDim : EmbedDim,
        Depth = Depth,
        Heads = block == Depth - 1 ? LastHeads : Heads,
        MlpRatio = MlpRatio,
    };

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        RequireBlocks(Depth, EmbedDim, Heads);
        RequireBlocks(Depth, LastDim, LastHeads);
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long patches = GridHeight * GridWidth, tokens = patches + 1;
        var blocks = Enumerable.Range(0, Depth).Select(i =>
        {
            long dim = i == Depth - 1 ? LastDim : EmbedDim, hidden = Hidden(dim, MlpRatio), widening = dim == EmbedDim ? 0 : EmbedDim * dim;
            return new BlockFigures(
                new BlockInfo(i, $"blocks.{i}", (int)dim, GridHeight, GridWidth),
                Block(dim, hidden) + widening + (widening == 0 ? 0 : Norm(dim)),
                BlockMultiplyAdds(tokens, tokens, dim, hidden) + (tokens * widening));
        }).ToArray();
        return ModelFigures.Sum(
            blocks,
            PatchEmbedding(PatchSize, EmbedDim) + ((tokens + 1) * EmbedDim) + Norm(LastDim) + Linear(LastDim, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, EmbedDim) + ((long)LastDim * Classes));
    }
}

/// <summary>The student of <see cref="WideLastSpec"/>. The residual stream of the last block starts from a linear map and a norm of all tokens (<c>proj_in</c>, <c>proj_norm</c>).</summary>
public sealed class WideLast : TimmModel
{
    private readonly WideLastSpec _sizes;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TransformerBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public WideLast(WideLastSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _classToken = NewParameter.Zeros(1, 1, spec.EmbedDim);
        _positions = NewParameter.Zeros(1, (spec.GridHeight * spec.GridWidth) + 1, spec.EmbedDim);
        _patches = new PatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _blocks = nn.ModuleList(DropPath.Linear(spec.DropPathRate, spec.Depth).Select((rate, i) => new TransformerBlock(spec.BlockSizes(i), rate, spec.EmbedDim)).ToArray());
        _norm = new LayerNorm(spec.LastDim, epsilon: 1e-6);
        _head = spec.Classes == 0 ? null : new Linear(spec.LastDim, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed", "cls_token" };

    /// <inheritdoc/>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <inheritdoc/>
    public override IReadOnlyList<string> AttentionNames => [.. Blocks.Select(block => $"{block.Name}.attn")];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) => key switch
    {
        "pos_embed" => PositionEmbedding.Fit(value, 1, _sizes.GridHeight, _sizes.GridWidth),
        "patch_embed.proj.weight" => PatchKernel.Fit(value, _sizes.PatchSize),
        _ => value,
    };

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var patches = _patches.forward(images);
        var tokens = cat([_classToken.expand(patches.shape[0], -1, -1), patches], dim: 1).Plus(_positions); // (B, 1 + N, C)
        tokens = _blocks.Run(tokens, i => kept.TapOf(i, $"blocks.{i}", ToMap));
        var pooled = _norm.forward(tokens).select(1, 0); // (B, C)
        return _head?.forward(pooled) ?? pooled.clone(); // (B, classes); features must not hold on to all tokens
    }
    private Tensor ToMap(Tensor tokens) => TokenGrid.ToMap(tokens, 1, _sizes.GridHeight, _sizes.GridWidth); // (B, C, H, W)
}
