using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a Swin transformer v2 (arXiv 2111.09883): Swin with norms after attention and MLP, cosine attention, and position biases that a small network works out
/// from the offset between two patches.
/// </summary>
public sealed record SwinV2Spec : ModelSpec
{
    /// <summary>Patches of 4x4 pixels; <see cref="ModelSpec.EmbedDim"/> are the channels of the first stage, each later stage doubles them.</summary>
    public SwinV2Spec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "Swin v2";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <inheritdoc/>
    public override double AlignmentWeight => 0.05;

    /// <summary>Side of an attention window in patches; clamped to the stage's grid.</summary>
    public int WindowSize { get; init; } = 7;

    /// <summary>
    /// Side of the window that the weights were trained with first, in each stage, by which offsets are measured (timm's <c>pretrained_window_sizes</c>); null for
    /// the model's own.
    /// </summary>
    public IReadOnlyList<int>? PretrainedWindows { get; init; }

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    internal override TimmConstruction? TimmConstruction => new("swinv2_tiny_window8_256", new Dictionary<string, object>
    {
        ["patch_size"] = PatchSize,
        ["window_size"] = WindowSize,
        ["embed_dim"] = EmbedDim,
        ["depths"] = Depths,
        ["num_heads"] = Heads,
        ["mlp_ratio"] = MlpRatio,
        ["pretrained_window_sizes"] = PretrainedWindows ?? [.. Depths.Select(_ => 0)],
    });

    /// <inheritdoc/>
    public override VisionModel Build() => new SwinV2(this);

    /// <summary>The same with other windows: the biases are worked out anew, nothing is interpolated.</summary>
    /// <inheritdoc/>
    public override ModelSpec WithWindow(int window) => this with { WindowSize = window };

    internal override int? Window => WindowSize;

    /// <summary>The stages in order.</summary>
    internal IReadOnlyList<SwinStageSpec> Stages =>
        [.. SwinStageSpec.Of(this, Depths, Heads, WindowSize).Select((stage, index) => stage with { Pretrained = PretrainedWindows?[index] ?? 0 })];

    /// <summary>timm's values: a block's norms start at 0, so that each block passes on what it gets; heads attend ten times as sharply as cosines.</summary>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => key switch
    {
        _ when key.EndsWith("_bias", StringComparison.Ordinal) => new(InitialDistribution.Constant, 0),
        _ when key.EndsWith(".logit_scale", StringComparison.Ordinal) => new(InitialDistribution.Constant, Math.Log(10)),
        _ when key.Contains(".blocks.", StringComparison.Ordinal) && key.Contains(".norm", StringComparison.Ordinal) => new(InitialDistribution.Constant, 0),
        _ => base.InitialOf(key, shape),
    };

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && Depths.Count == Heads.Count && (PretrainedWindows?.Count ?? Depths.Count) == Depths.Count,
            $"has {Depths.Count} depths, {Heads.Count} heads and {PretrainedWindows?.Count ?? Depths.Count} pretrained windows: give one of each for every stage");
        Require(WindowSize >= 2, $"has window size {WindowSize}: give at least 2");
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
        {
            Require(stage.Window is { Rows: >= 2, Columns: >= 2 },
                $"has a map of {stage.NominalSize} patches in stage {index}, too small for a window: use a larger image size or fewer stages");
            RequireBlocks(stage.Depth, stage.Channels, stage.Heads);

            // timm cuts the shift mask, planned for the nominal grid, into windows without padding it.
            Require(stage.Depth < 2 || !stage.Shifts || (stage.NominalSize == stage.Size && stage.PaddedSize == stage.Size),
                $"cannot shift windows of {stage.Window} in stage {index}, whose map is {stage.Size}: each side must be a multiple of the window's "
                + $"(timm fails here too); use an image size that is a multiple of {(PatchSize << (Depths.Count - 1)) * WindowSize} or another window size");
        }
    }

    /// <summary>Counts the model; the network for the biases runs once a pass, whatever the batch, and is not counted in the multiply-adds.</summary>
    protected override ModelFigures CountParts()
    {
        var stages = Stages;
        long last = stages[^1].Channels, patches = stages[0].Size.Count;
        return ModelFigures.Sum(
            [.. stages.Select((stage, index) => stage.Count(index, MlpRatio, CountBlock(stage), mergingNorm: Norm(stage.Channels)))],
            PatchEmbedding(PatchSize, EmbedDim) + Norm(EmbedDim) + Norm(last) + Linear(last, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, EmbedDim) + (last * Classes));
    }

    // No bias for keys; a factor for each head, and the network that works out the biases.
    private long CountBlock(SwinStageSpec stage) => Block(stage.Channels, Hidden(stage.Channels, MlpRatio)) - stage.Channels + stage.Heads
        + Linear(2, OffsetNetwork.Hidden) + (OffsetNetwork.Hidden * stage.Heads);
}

/// <summary>
/// Swin v2 as timm 1.0.11 computes it: maps with channels last, stages of windowed attention, patch merging at the start of each stage but the first, then a norm,
/// the mean over the map and a linear head. Its "blocks" are the stages' outputs.
/// </summary>
public sealed class SwinV2 : TimmModel
{
    private readonly SwinV2Spec _sizes;

    [ComponentName(Name = "patch_embed")]
    private readonly NormedPatches _patches;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<SwinStage<NormedMerging, SwinV2Block>> _stages;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly PooledHead _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public SwinV2(SwinV2Spec spec)
        : base(spec)
    {
        _sizes = spec;
        var stages = spec.Stages;
        var rates = new Queue<double>(DropPath.Linear(spec.DropPathRate, spec.Depths.Sum()));
        _patches = new NormedPatches(3, spec.EmbedDim, spec.PatchSize);
        _stages = nn.ModuleList(stages.Select((stage, i) => new SwinStage<NormedMerging, SwinV2Block>(
            i == 0 ? null : new NormedMerging(stage.Channels / 2), Enumerable.Range(0, stage.Depth).Select(block => new SwinV2Block(stage, spec.MlpRatio, second: block % 2 == 1, rates.Dequeue())))).ToArray());
        _norm = new LayerNorm(stages[^1].Channels, SwinV2Block.Epsilon);
        _head = new PooledHead(stages[^1].Channels, spec.Classes);
        RegisterComponents();
    }

    /// <summary>The stages, for tests of their constants.</summary>
    internal IReadOnlyList<SwinStage<NormedMerging, SwinV2Block>> Stages => [.. _stages];

    /// <summary>All points, of each stage's last block; what a branch adds has passed its norm. Attention is in windows, so it has no maps over all patches.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key == "patch_embed.proj.weight" ? PatchKernel.Fit(value, _sizes.PatchSize) : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = _stages.Run(_patches.forward(images), i => kept.TapOf(i, $"layers.{i}", TokenGrid.ChannelsFirst)); // (B, H, W, C)
        return _head.forward(_norm.forward(map));                                                                  // (B, classes)
    }
}

/// <summary>Joins 2x2 neighbours to one patch of twice the channels, the norm last: <c>[B, H, W, C]</c> to <c>[B, ⌈H/2⌉, ⌈W/2⌉, 2C]</c>.</summary>
internal sealed class NormedMerging : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "reduction")]
    private readonly Linear _reduction;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public NormedMerging(int dim)
        : base(nameof(NormedMerging))
    {
        _reduction = new Linear(4 * dim, 2 * dim, bias: false);
        _norm = new LayerNorm(2 * dim, SwinV2Block.Epsilon);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return _norm.forward(_reduction.forward(WindowGeometry.Neighbours(map))).MoveToOuterDisposeScope();
    }
}

/// <summary>Swin v2's block on maps <c>[B, H, W, C]</c>: attention in windows, shifted in every second block, then an MLP; norms at the end of both branches.</summary>
internal sealed class SwinV2Block : nn.Module<Tensor, Tensor>, ITappedBlock
{
    public const double Epsilon = 1e-5;
    private readonly DropPath _dropPath;
    private readonly MapShape _window;
    private readonly MapShape _shift;

    [ComponentName(Name = "attn")]
    private readonly CosineWindowAttention _attention;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    public SwinV2Block(SwinStageSpec stage, double mlpRatio, bool second, double dropPath)
        : base(nameof(SwinV2Block))
    {
        _dropPath = new DropPath(dropPath);
        (_window, _shift) = (stage.Window, second ? stage.Shift : 0);
        _attention = new CosineWindowAttention(stage, shifted: _shift != 0);
        _attentionNorm = new LayerNorm(stage.Channels, Epsilon);
        _mlp = new Mlp(stage.Channels, (int)(stage.Channels * mlpRatio));
        _mlpNorm = new LayerNorm(stage.Channels, Epsilon);
        RegisterComponents();
    }

    public CosineWindowAttention Attention => _attention;

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = _attentionNorm.forward(WindowGeometry.Attended(map, _window, _shift, _attention.forward)); // (B, H, W, C)
        map = _dropPath.AddBranches(map, attended, mid => _mlpNorm.forward(_mlp.forward(mid)), training, tap);
        tap?.Offer(MapPoint.Resid, map);
        return map.MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Self-attention inside windows by the cosine of queries and keys, sharpened by a learned factor for each head, with a bias for each offset between two patches.
/// Windows made by a cyclic shift hold patches that are no neighbours in the image; a mask of -100 keeps those apart.
/// </summary>
internal sealed class CosineWindowAttention : LayerWithConstants
{
    private static readonly double Sharpest = Math.Log(100);
    private readonly int _heads;
    private readonly PlacedTensor _offsets;
    private readonly PlacedTensor _index;
    private readonly PlacedTensor? _mask;

    [ComponentName(Name = "logit_scale")]
    private readonly Parameter _sharpness;

    [ComponentName(Name = "q_bias")]
    private readonly Parameter _queryBias;

    [ComponentName(Name = "v_bias")]
    private readonly Parameter _valueBias;

    [ComponentName(Name = "cpb_mlp")]
    private readonly OffsetNetwork _biases;

    [ComponentName(Name = "qkv")]
    private readonly BiasedProjection _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public CosineWindowAttention(SwinStageSpec stage, bool shifted)
        : base(nameof(CosineWindowAttention))
    {
        _heads = stage.Heads;
        _offsets = Constant(() => Offsets(stage));
        _index = Constant(() => RelativePositions.Between(stage.Window.Rows, stage.Window.Columns));
        _mask = shifted ? Constant(() => WindowGeometry.ShiftMask(stage)) : null;
        _sharpness = NewParameter.Zeros(stage.Heads, 1, 1);
        _queryBias = NewParameter.Zeros(stage.Channels);
        _valueBias = NewParameter.Zeros(stage.Channels);
        _biases = new OffsetNetwork(stage.Heads);
        _qkv = new BiasedProjection(stage.Channels);
        _projection = new Linear(stage.Channels, stage.Channels);
        RegisterComponents();
    }

    /// <summary>Row and column offset for each row of the bias table, on a logarithmic scale, float <c>[(2w-1)(2w-1), 2]</c>.</summary>
    public PlacedTensor OffsetTable => _offsets;

    /// <summary>Row of the bias table for each pair of patches of a window, int64 <c>[w*w, w*w]</c>.</summary>
    public PlacedTensor Index => _index;

    /// <summary>0 or -100 for each pair of patches of each window, <c>[windows, w*w, w*w]</c>; null without a shift.</summary>
    public PlacedTensor? Mask => _mask;

    /// <summary><c>[B * windows, w*w, C]</c> to the same shape.</summary>
    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (windows, count, dim) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        var head = dim / _heads;
        var qkv = _qkv.forward(tokens, _queryBias, _valueBias).reshape(windows, count, 3, _heads, head).permute(2, 0, 3, 1, 4); // (3, B*nW, nh, w*w, d)
        var sharpness = _sharpness.Within(double.NegativeInfinity, Sharpest).exp().Times(Math.Sqrt(head));                   // the attention divides by that root
        var queries = Unit(qkv[0]) * sharpness;
        var mixed = BiasedAttention.Of(queries, Unit(qkv[1]), qkv[2], Biases(tokens));                                         // (B*nW, nh, w*w, d)
        return _projection.forward(mixed.transpose(1, 2).reshape(windows, count, dim)).MoveToOuterDisposeScope();              // (B*nW, w*w, C)
    }

    // (nh, w*w, w*w), or with a mask one for each window, (B*nW, nh, w*w, w*w).
    private Tensor Biases(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var table = _biases.forward(_offsets.At(tokens.device, tokens.dtype)).sigmoid().Times(16);
        var bias = RelativePositions.Bias(table, _index.At(tokens.device, ScalarType.Int64));
        return RelativePositions.Masked(bias, _mask?.At(tokens.device, tokens.dtype), tokens.shape[0]).MoveToOuterDisposeScope();
    }

    private static Tensor Unit(Tensor vectors) => nn.functional.normalize(vectors, p: 2, dim: -1, eps: 1e-12);

    private static Tensor Offsets(SwinStageSpec stage)
    {
        var offsets = RelativePositions.Offsets(stage.Window.Rows, stage.Window.Columns);
        for (var row = 0; row < offsets.GetLength(0); row++)
        {
            offsets[row, 0] = Logarithmic(offsets[row, 0], (stage.Pretrained > 0 ? stage.Pretrained : stage.Window.Rows) - 1);
            offsets[row, 1] = Logarithmic(offsets[row, 1], (stage.Pretrained > 0 ? stage.Pretrained : stage.Window.Columns) - 1);
        }

        return tensor(offsets);
    }

    // ±log8(1 + 8 |offset| / largest): 0 to ±1.06 within the window.
    private static float Logarithmic(float offset, int largest) =>
        (float)(Math.Sign(offset) * Math.Log2((8.0 * Math.Abs(offset) / largest) + 1) / 3);
}
