using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a Hiera (arXiv 2306.00989): a plain transformer that pools its queries at the start of a stage, and attends within small squares of patches, the mask
/// units of its training by MAE, while there are many.
/// </summary>
public sealed record HieraSpec : ModelSpec
{
    internal const int Kernel = 7;
    private const double DeviationOfTruncated = 0.87962566103423978; // of a standard normal distribution cut off at -2 and 2

    /// <summary>The first stage has one patch for each 4x4 pixels.</summary>
    public HieraSpec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "Hiera";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Attention heads of the first stage; each later stage doubles them and the channels.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>Number of blocks in each stage (timm's <c>stages</c>).</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Stages after the first that begin by taking the largest of 2x2 patches (timm's <c>q_pool</c>).</summary>
    public int Poolings { get; init; } = 3;

    /// <summary>Side of a mask unit in patches of the first stage; each pooling halves it.</summary>
    public int MaskUnit { get; init; } = 8;

    /// <summary>Whether blocks attend within mask units, for each stage; a stage's first block still does what the stage before did.</summary>
    public IReadOnlyList<bool> UnitAttention { get; init; } = [true, true, false, false];

    /// <summary>
    /// Side of a global position table that is resized to the grid, beside one for the places within a mask unit (arXiv 2311.05613; timm's <c>abs_win_pos_embed</c>
    /// and <c>global_pos_size</c>); null for one position a patch.
    /// </summary>
    public int? GlobalPositions { get; init; }

    /// <summary>Initial layer scale of the residual branches; null for none.</summary>
    public double? LayerScale { get; init; }

    /// <summary>True widens a stage's shortcut by a linear layer, false by the largest and the mean of 2x2 patches side by side (timm's <c>use_expand_proj</c>).</summary>
    public bool WidenByProjection { get; init; } = true;

    /// <summary>True draws initial weights as JAX does (timm's <c>weight_init='jax'</c>): uniform by inputs and outputs, biases 0.</summary>
    public bool JaxInitialization { get; init; }

    /// <summary>True gives a map after every block, as timm's <c>forward_intermediates(coarse=False)</c>; false one after each stage, timm's default.</summary>
    public bool EveryBlock { get; init; }

    internal override TimmConstruction? TimmConstruction
    {
        get
        {
            var arguments = new Dictionary<string, object>
            {
                ["embed_dim"] = EmbedDim,
                ["num_heads"] = Heads,
                ["stages"] = Depths,
                ["q_pool"] = Poolings,
                ["mask_unit_size"] = (int[])[MaskUnit, MaskUnit],
                ["mask_unit_attn"] = UnitAttention,
                ["mlp_ratio"] = MlpRatio,
                ["use_expand_proj"] = WidenByProjection,
                ["weight_init"] = JaxInitialization ? "jax" : "",
                ["abs_win_pos_embed"] = GlobalPositions is not null,
            };
            if (GlobalPositions is { } side)
            {
                arguments["global_pos_size"] = (int[])[side, side];
            }

            if (LayerScale is { } scale)
            {
                arguments["init_values"] = scale;
            }

            return new TimmConstruction("hiera_tiny_224", arguments);
        }
    }

    internal override (string Key, IReadOnlyList<long> Shape) FirstParameter => ("patch_embed.proj.weight", [EmbedDim, 3, Kernel, Kernel]);

    /// <inheritdoc/>
    public override VisionModel Build() => new Hiera(this);

    /// <summary>The blocks in order.</summary>
    internal IReadOnlyList<HieraBlockSizes> BlockSizes
    {
        get
        {
            var blocks = new List<HieraBlockSizes>();
            var (dim, heads, unit, poolings) = (EmbedDim, Heads, MaskUnit * MaskUnit, 0);
            for (var stage = 0; stage < Depths.Count; stage++)
            {
                for (var i = 0; i < Depths[stage]; i++)
                {
                    var (begins, inputs) = (stage > 0 && i == 0, dim);
                    var pools = begins && stage <= Poolings;
                    (dim, heads) = begins ? (2 * dim, 2 * heads) : (dim, heads);
                    (unit, poolings) = pools ? (unit / 4, poolings + 1) : (unit, poolings);
                    blocks.Add(new HieraBlockSizes(
                        stage, inputs, dim, heads, pools, UnitAttention[begins ? stage - 1 : stage] ? unit : null, poolings, GridHeight >> poolings, GridWidth >> poolings,
                        i == Depths[stage] - 1));
                }
            }

            return blocks;
        }
    }

    /// <inheritdoc/>
    internal override double WidestValue => BlockSizes.Max(block => block.Dim * Math.Max(3.0 * block.Inputs, MlpRatio * block.Rows * block.Columns));

    /// <summary>timm's values; the projections of block i that end a branch are divided by sqrt(2 (i + 1)), and the head starts at 0.</summary>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape)
    {
        var ends = key.EndsWith(".attn.proj.weight", StringComparison.Ordinal) || key.EndsWith(".fc2.weight", StringComparison.Ordinal)
            ? 1 / Math.Sqrt(2 * (int.Parse(key.Split('.')[1]) + 1)) : 1;
        return key switch
        {
            "head.fc.weight" or "head.fc.bias" => new(InitialDistribution.Constant, 0),
            "patch_embed.proj.bias" when !JaxInitialization => new(InitialDistribution.Uniform, 1 / Math.Sqrt(3 * Kernel * Kernel)),
            "patch_embed.proj.weight" => JaxInitialization
                ? new(InitialDistribution.TruncatedNormal, Math.Sqrt(1.0 / (3 * Kernel * Kernel)) / DeviationOfTruncated)
                : new(InitialDistribution.Normal, 0.02),
            _ when key.EndsWith(".gamma", StringComparison.Ordinal) => new(InitialDistribution.Constant, LayerScale ?? 1),
            _ when key.EndsWith(".bias", StringComparison.Ordinal) && !key.Contains("norm", StringComparison.Ordinal) =>
                !JaxInitialization ? new(InitialDistribution.Constant, 0.02)
                : key.Contains(".mlp.", StringComparison.Ordinal) ? new(InitialDistribution.Normal, 1e-6) : new(InitialDistribution.Constant, 0),
            _ when shape.Count == 2 => JaxInitialization
                ? new(InitialDistribution.Uniform, Math.Sqrt(6.0 / (shape[0] + shape[1])) * ends)
                : new(InitialDistribution.Normal, 0.02 * ends),
            _ => base.InitialOf(key, shape),
        };
    }

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && UnitAttention.Count == Depths.Count, $"has {Depths.Count} depths and {UnitAttention.Count} kinds of attention: give one of each for every stage");
        Require(PatchSize == 4, $"has patch size {PatchSize}: this family's convolution has stride 4");
        Require(Poolings >= 0 && Poolings < Depths.Count, $"has {Poolings} poolings in {Depths.Count} stages: give 0 to {Depths.Count - 1}");
        Require(MaskUnit >= 1 << Poolings && MaskUnit % (1 << Poolings) == 0, $"has mask units of {MaskUnit}x{MaskUnit} patches: {Poolings} poolings need a multiple of {1 << Poolings}");
        Require(GlobalPositions is null or >= 1, $"has a global position table of side {GlobalPositions}: give at least 1");
        var step = Math.Max(MaskUnit, 1 << (Depths.Count - 1));
        Require(GridHeight % step == 0 && GridWidth % step == 0 && GridHeight % MaskUnit == 0 && GridWidth % MaskUnit == 0,
            $"has a grid of {GridHeight}x{GridWidth} patches, which mask units of {MaskUnit}x{MaskUnit} and {Depths.Count} stages do not divide: use an image size that is a multiple of {step * PatchSize}");
        foreach (var depth in Depths)
        {
            RequireBlocks(depth, EmbedDim, Heads);
        }
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        var blocks = BlockSizes;
        long patches = (long)GridHeight * GridWidth, last = blocks[^1].Dim;
        var positions = GlobalPositions is { } side ? (long)side * side + ((long)MaskUnit * MaskUnit) : patches;
        var figures = blocks.Select((block, i) => block.Count(i, MlpRatio, LayerScale is not null, WidenByProjection)).ToArray();
        var listed = EveryBlock ? figures : [.. Enumerable.Range(0, Depths.Count).Select(stage =>
        {
            var own = figures.Where((_, i) => blocks[i].Stage == stage).ToArray();
            return new BlockFigures(own[^1].Block with { Index = stage }, own.Sum(block => block.Parameters), own.Sum(block => block.MultiplyAdds));
        })];
        return ModelFigures.Sum(
            listed,
            PatchEmbedding(Kernel, EmbedDim) + (positions * EmbedDim) + Norm(last) + Linear(last, Classes),
            PatchEmbeddingMultiplyAdds(patches, Kernel, EmbedDim) + (last * Classes));
    }
}

/// <summary>The sizes of a block of Hiera.</summary>
/// <param name="Stage">Its stage.</param>
/// <param name="InputDim">Channels that it gets.</param>
/// <param name="Dim">Channels that it gives.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Pools">True if it takes the largest of 2x2 queries.</param>
/// <param name="Unit">Patches of a mask unit after pooling; null where it attends to all patches.</param>
/// <param name="Poolings">Poolings up to and with it.</param>
/// <param name="Rows">Rows of its map.</param>
/// <param name="Columns">Columns of its map.</param>
/// <param name="EndsStage">True for its stage's last block.</param>
internal sealed record HieraBlockSizes(int Stage, int InputDim, int Dim, int Heads, bool Pools, int? Unit, int Poolings, int Rows, int Columns, bool EndsStage)
{
    /// <summary>How many patches become one.</summary>
    public int Pooled => Pools ? 4 : 1;

    /// <summary>Patches that it gets.</summary>
    public long Inputs => (long)Rows * Columns * Pooled;

    public BlockFigures Count(int index, double mlpRatio, bool layerScale, bool byProjection)
    {
        long inputs = InputDim, dim = Dim, patches = (long)Rows * Columns, hidden = Hidden(Dim, mlpRatio), keys = Unit is { } unit ? (long)unit * Pooled : Inputs;
        var widens = byProjection && inputs != dim;
        return new BlockFigures(
            new BlockInfo(index, $"blocks.{index}", Dim, Rows, Columns),
            Norm(inputs) + (widens ? Linear(inputs, dim) : 0) + Linear(inputs, 3 * dim) + Linear(dim, dim) + Norm(dim) + Linear(dim, hidden) + Linear(hidden, dim) + (layerScale ? 2 * dim : 0),
            (Inputs * inputs * dim * (widens ? 4 : 3)) + (2 * patches * keys * dim) + (patches * dim * dim) + (2 * patches * dim * hidden));
    }
}

/// <summary>
/// Hiera as timm 1.0.11 computes it: patches are put in an order in which poolings and mask units are even; maps are put back into rows and columns. The mean of the last patches is normed and goes into the head.
/// </summary>
public sealed class Hiera : TimmModel
{
    private readonly HieraSpec _sizes;
    private readonly IReadOnlyList<HieraBlockSizes> _plan;
    private readonly PatchOrder _order;

    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positions;

    [ComponentName(Name = "pos_embed_win")]
    private readonly Parameter? _unitPositions;

    [ComponentName(Name = "patch_embed")]
    private readonly NormedPatches _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<HieraBlock> _blocks;

    [ComponentName(Name = "head")]
    private readonly PooledHead _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Hiera(HieraSpec spec)
        : base(spec)
    {
        (_sizes, _plan, _order) = (spec, spec.BlockSizes, new PatchOrder(spec.Depths.Count - 1));
        var rates = DropPath.Linear(spec.DropPathRate, _plan.Count);
        _positions = spec.GlobalPositions is { } side
            ? NewParameter.Zeros(1, spec.EmbedDim, side, side)
            : NewParameter.Zeros(1, spec.GridHeight * spec.GridWidth, spec.EmbedDim);
        _unitPositions = spec.GlobalPositions is null ? null : NewParameter.Zeros(1, spec.EmbedDim, spec.MaskUnit, spec.MaskUnit);
        _patches = new NormedPatches(3, spec.EmbedDim, HieraSpec.Kernel, stride: 4, normed: false);
        _blocks = nn.ModuleList(_plan.Select((block, i) => new HieraBlock(spec, block, rates[i])).ToArray());
        _head = new PooledHead(_plan[^1].Dim, spec.Classes, HieraBlock.Epsilon);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay { get; } = new HashSet<string> { "pos_embed" };

    /// <summary>All points; where a block pools, <c>mid</c> is the pooled, widened stream plus what attention adds.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <summary>Of the blocks that attend to all patches. Patches stand row by row; where a block pools, it has four times as many keys.</summary>
    public override IReadOnlyList<string> AttentionNames => [.. Enumerable.Range(0, _plan.Count).Where(i => _plan[i].Unit is null).Select(i => $"blocks.{i}.attn")];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <summary>One position a patch is resized as a plain transformer's; timm refuses such a file. A global table fits any grid as it is.</summary>
    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key == "pos_embed" && _sizes.GlobalPositions is null ? PositionEmbedding.Fit(value, 0, _sizes.GridHeight, _sizes.GridWidth) : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var tokens = Embedded(images); // (B, N, C)
        for (int i = 0, map = 0; i < _blocks.Count; i++)
        {
            var (input, block) = (tokens, _plan[i]);
            var own = _sizes.EveryBlock || block.EndsStage ? map++ : KeptMaps.NoBlock;
            tokens = _blocks[i].Run(input, kept.TapOf(own, $"blocks.{i}", values => _order.ToMap(values, block), weights => _order.InRows(weights, block)));
            input.Dispose();
        }

        return _head.forward(tokens); // (B, classes)
    }

    private Tensor Embedded(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _order.ToTokens(_patches.forward(images).Plus(Positions())).MoveToOuterDisposeScope();
    }

    // (1, H, W, C)
    private Tensor Positions()
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (_sizes.GridHeight, _sizes.GridWidth);
        if (_unitPositions is null)
        {
            return _positions.view(1, rows, columns, -1).MoveToOuterDisposeScope();
        }

        // As timm at every pass, so that the table is trained; float32, because libtorch has no such resizing of bfloat16 on every device.
        var everywhere = nn.functional.interpolate(
            _positions.to(_positions.dtype == ScalarType.BFloat16 ? ScalarType.Float32 : _positions.dtype),
            size: [rows, columns], mode: InterpolationMode.Bicubic, align_corners: false, antialias: true).to(_positions.dtype); // (1, C, H, W)
        var within = _unitPositions.repeat(1, 1, rows / _sizes.MaskUnit, columns / _sizes.MaskUnit);                             // (1, C, H, W)
        return everywhere.Plus(within).permute(0, 2, 3, 1).MoveToOuterDisposeScope();
    }
}

/// <summary>One block: attention, which may pool and widen, then an MLP; both pre-norm. <c>[B, N, c]</c> to <c>[B, N or N/4, C]</c>.</summary>
internal sealed class HieraBlock : nn.Module<Tensor, Tensor>
{
    public const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;
    private readonly int _pooled;
    private readonly bool _widens;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "proj")]
    private readonly Linear? _shortcut;

    [ComponentName(Name = "attn")]
    private readonly UnitAttention _attention;

    [ComponentName(Name = "ls1")]
    private readonly LayerScale? _attentionScale;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    [ComponentName(Name = "ls2")]
    private readonly LayerScale? _mlpScale;

    public HieraBlock(HieraSpec spec, HieraBlockSizes block, double dropPath)
        : base(nameof(HieraBlock))
    {
        _dropPath = new DropPath(dropPath);
        (_pooled, _widens) = (block.Pooled, block.InputDim != block.Dim);
        _attentionNorm = new LayerNorm(block.InputDim, Epsilon);
        _shortcut = _widens && spec.WidenByProjection ? new Linear(block.InputDim, block.Dim) : null;
        _attention = new UnitAttention(block);
        _attentionScale = spec.LayerScale is { } first ? new LayerScale(block.Dim, first) : null;
        _mlpNorm = new LayerNorm(block.Dim, Epsilon);
        _mlp = new Mlp(block.Dim, (int)(block.Dim * spec.MlpRatio));
        _mlpScale = spec.LayerScale is { } second ? new LayerScale(block.Dim, second) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens) => Run(tokens, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor tokens, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var normed = _attentionNorm.forward(tokens);
        var shortcut = _widens ? Widened(tokens, normed) : tokens;                                                        // (B, N or N/4, C)
        var attended = LayerScale.Of(_attentionScale, _attention.Run(normed, tap));
        tokens = _dropPath.AddBranches(shortcut, attended, mid => LayerScale.Of(_mlpScale, _mlp.forward(_mlpNorm.forward(mid))), training, tap);
        tap?.Offer(MapPoint.Resid, tokens);
        return tokens.MoveToOuterDisposeScope();
    }

    // The linear layer works on what the norm gives; without it the patches are taken as they come.
    private Tensor Widened(Tensor tokens, Tensor normed)
    {
        using var scope = NewDisposeScope();
        var source = _shortcut is null ? tokens : _shortcut.forward(normed);
        var fours = source.reshape(source.shape[0], _pooled, -1, source.shape[2]);                                        // (B, 4, N/4, C)
        var largest = fours.amax([1]);
        return (_shortcut is null ? cat([largest, fours.mean([1])], dim: -1) : largest).MoveToOuterDisposeScope();
    }
}
