using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a CrossFormer (arXiv 2108.00154): patches seen at several scales at once, and attention in groups of neighbours and of patches that lie far apart, in
/// turn. It is not in timm: keys and sizes are those of the authors' code (https://github.com/cheerss/CrossFormer).
/// </summary>
public sealed record CrossFormerSpec : ModelSpec
{
    /// <summary>The first stage has one patch for each 4x4 pixels.</summary>
    public CrossFormerSpec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "CrossFormer";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>
    /// Sides of the squares of pixels that a patch sees, the smallest first; all have their centres where the patches of <see cref="ModelSpec.PatchSize"/> have. Half
    /// of the channels are the first one's, half of the rest the second one's, and so on.
    /// </summary>
    public IReadOnlyList<int> PatchSizes { get; init; } = [4, 8, 16, 32];

    /// <summary>The same for the 2x2 patches that a later stage joins (the authors' <c>merge_size</c>).</summary>
    public IReadOnlyList<int> MergeSizes { get; init; } = [2, 4];

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    /// <summary>Side of a group of patches, in each stage; a smaller map is one group.</summary>
    public IReadOnlyList<int> Groups { get; init; } = [7, 7, 7, 7];

    /// <summary>How far apart the patches of a group lie in odd blocks, in each stage (the authors' <c>crs_interval</c>).</summary>
    public IReadOnlyList<int> Intervals { get; init; } = [8, 4, 2, 1];

    internal override (string Key, IReadOnlyList<long> Shape) FirstParameter =>
        ("patch_embed.projs.0.weight", [CrossScale.Widths(EmbedDim, PatchSizes.Count)[0], 3, PatchSizes[0], PatchSizes[0]]);

    /// <inheritdoc/>
    public override VisionModel Build() => new CrossFormer(this);

    /// <summary>The stages in order.</summary>
    internal IReadOnlyList<CrossFormerStageSizes> Stages => [.. Enumerable.Range(0, Depths.Count).Select(index => new CrossFormerStageSizes(
        EmbedDim << index, Depths[index], Heads[index], Groups[index], Intervals[index], GridHeight >> index, GridWidth >> index))];

    /// <summary>The authors' values: torch's own for convolutions, uniform by their inputs, biases too; timm's for the rest.</summary>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape)
    {
        var parts = key.Split('.');
        var inputs = key.StartsWith("patch_embed.projs.", StringComparison.Ordinal) ? 3L * PatchSizes[int.Parse(parts[2])] * PatchSizes[int.Parse(parts[2])]
            : key.Contains(".reductions.", StringComparison.Ordinal) ? (EmbedDim << int.Parse(parts[1])) * (long)MergeSizes[int.Parse(parts[4])] * MergeSizes[int.Parse(parts[4])]
            : 0;
        return inputs == 0 ? base.InitialOf(key, shape) : new(InitialDistribution.Uniform, 1 / Math.Sqrt(inputs));
    }

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && new[] { Heads.Count, Groups.Count, Intervals.Count }.All(count => count == Depths.Count),
            $"has {Depths.Count} depths, {Heads.Count} heads, {Groups.Count} groups and {Intervals.Count} intervals: give one of each for every stage");
        Require(PatchSizes.Count >= 1 && PatchSizes[0] == PatchSize && PatchSizes.All(size => size >= PatchSize && (size - PatchSize) % 2 == 0),
            $"sees patches of {string.Join(", ", PatchSizes)} pixels: the first must be {PatchSize}, its patch size, and the others larger by even numbers");
        Require(MergeSizes.Count >= 1 && MergeSizes.All(size => size >= 2 && size % 2 == 0), $"joins patches by squares of {string.Join(", ", MergeSizes)}: give even sizes from 2");
        Require(EmbedDim % (1 << Math.Max(PatchSizes.Count, MergeSizes.Count)) == 0 && EmbedDim >= 16,
            $"has {EmbedDim} channels: give a multiple of {1 << Math.Max(PatchSizes.Count, MergeSizes.Count)}, at least 16");
        var step = 1 << (Depths.Count - 1);
        Require(GridHeight % step == 0 && GridWidth % step == 0,
            $"joins 2x2 patches {Depths.Count - 1} times, which {GridHeight}x{GridWidth} patches do not allow: use an image size that is a multiple of {step * PatchSize}");
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
        {
            RequireBlocks(stage.Depth, stage.Dim, stage.Heads);
            Require(stage.Group >= 1 && stage.Interval >= 1, $"has groups of {stage.Group} at an interval of {stage.Interval} in stage {index}: give at least 1 of each");
        }
    }

    /// <summary>Counts the model; the network for the biases runs once a pass, whatever the batch, and is not counted in the multiply-adds.</summary>
    protected override ModelFigures CountParts()
    {
        long patches = (long)GridHeight * GridWidth, last = Stages[^1].Dim;
        var scales = CrossScale.Widths(EmbedDim, PatchSizes.Count).Zip(PatchSizes, (width, size) => (Width: (long)width, Area: 3L * size * size)).ToArray();
        return ModelFigures.Sum(
            [.. Stages.Select((stage, index) => stage.Count(index, MlpRatio, index + 1 < Depths.Count ? MergeSizes : null))],
            scales.Sum(scale => Linear(scale.Area, scale.Width)) + Norm(EmbedDim) + Norm(last) + Linear(last, Classes),
            scales.Sum(scale => patches * scale.Area * scale.Width) + (last * Classes));
    }
}

/// <summary>The sizes of a stage of CrossFormer; <paramref name="Rows"/> and <paramref name="Columns"/> are those of its map.</summary>
internal sealed record CrossFormerStageSizes(int Dim, int Depth, int Heads, int Group, int Interval, int Rows, int Columns)
{
    /// <summary>Group and interval of a block: neighbours in even blocks, and wherever the map is no larger than a group.</summary>
    public (int Group, int Interval) GroupOf(int block) =>
        Math.Min(Rows, Columns) <= Group ? (Math.Min(Rows, Columns), 1) : (Group, block % 2 == 0 ? 1 : Interval);

    /// <summary>Rows and columns after padding to whole groups.</summary>
    public (int Rows, int Columns) Padded(int block)
    {
        var (group, interval) = GroupOf(block);
        return (SwinStageSpec.Padded(Rows, group * interval), SwinStageSpec.Padded(Columns, group * interval));
    }

    /// <summary>Channels within the network that works out the biases.</summary>
    public int BiasDim => Dim / 4 / 4;

    public BlockFigures Count(int index, double mlpRatio, IReadOnlyList<int>? merges)
    {
        long dim = Dim, patches = (long)Rows * Columns, hidden = Hidden(Dim, mlpRatio), inner = BiasDim;
        var block = Block(dim, hidden) + Linear(2, inner) + (3 * Norm(inner)) + (2 * Linear(inner, inner)) + Linear(inner, Heads);
        var (parameters, cost) = (Depth * block, 0L);
        for (var i = 0; i < Depth; i++)
        {
            var (group, _) = GroupOf(i);
            var (rows, columns) = Padded(i);
            long padded = (long)rows * columns;
            cost += (4 * padded * dim * dim) + (2 * padded * group * group * dim) + (2 * patches * dim * hidden);
        }

        foreach (var (width, size) in merges is null ? [] : CrossScale.Widths(2 * Dim, merges.Count).Zip(merges))
        {
            parameters += Linear(dim * size * size, width);
            cost += patches / 4 * dim * size * size * width;
        }

        return new BlockFigures(new BlockInfo(index, $"layers.{index}", Dim, Rows, Columns), parameters + (merges is null ? 0 : Norm(dim)), cost);
    }
}

/// <summary>
/// CrossFormer as the authors compute it. Its "blocks" are the stages' outputs before they are joined to larger patches, without a norm; the mean of the last one's
/// normed patches goes into the head.
/// </summary>
public sealed class CrossFormer : TimmModel
{
    [ComponentName(Name = "patch_embed")]
    private readonly CrossScalePatches _patches;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<CrossFormerStage> _stages;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public CrossFormer(CrossFormerSpec spec)
        : base(spec)
    {
        var stages = spec.Stages;
        var rates = new Queue<double>(DropPath.Linear(spec.DropPathRate, spec.Depths.Sum()));
        _patches = new CrossScalePatches(spec);
        _stages = nn.ModuleList(stages.Select((stage, i) => new CrossFormerStage(
            Enumerable.Range(0, stage.Depth).Select(block => new CrossFormerBlock(stage, spec.MlpRatio, block, rates.Dequeue())),
            i + 1 < stages.Count ? new CrossScaleMerging(stage.Dim, spec.MergeSizes) : null)).ToArray());
        _norm = new LayerNorm(stages[^1].Dim, CrossFormerBlock.Epsilon);
        _head = spec.Classes == 0 ? null : new Linear(stages[^1].Dim, spec.Classes);
        RegisterComponents();
    }

    /// <summary>The stages, for tests of their constants.</summary>
    internal IReadOnlyList<CrossFormerStage> Stages => [.. _stages];

    /// <summary>All points, of each stage's last block. Attention is in groups, so it has no maps over all patches.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = _patches.forward(images); // (B, H, W, C)
        for (var i = 0; i < _stages.Count; i++)
        {
            var input = map;
            var output = _stages[i].Run(input, kept.TapOf(i, $"layers.{i}", TokenGrid.ChannelsFirst)); // (B, H, W, C)
            input.Dispose();
            map = _stages[i].Joined(output); // (B, H/2, W/2, 2C)
        }

        var pooled = _norm.forward(map).mean([1, 2]);  // (B, C)
        return _head?.forward(pooled) ?? pooled;       // (B, classes)
    }
}

/// <summary>Convolutions of several sizes about the same centres, side by side: half of the channels are the first one's, half of the rest the second one's, …</summary>
internal static class CrossScale
{
    /// <summary>Channels of each of <paramref name="count"/> convolutions; the last one has as many as the one before.</summary>
    public static int[] Widths(int dim, int count) => [.. Enumerable.Range(0, count).Select(i => dim >> (i == count - 1 ? i : i + 1))];

    public static ModuleList<Convolution> Convolutions(int inputs, int dim, IReadOnlyList<int> sizes, int stride) =>
        nn.ModuleList(Widths(dim, sizes.Count).Zip(sizes, (width, size) => new Convolution(inputs, width, size, stride, (size - stride) / 2)).ToArray());

    /// <summary><c>[B, c, H, W]</c> to <c>[B, H/stride, W/stride, C]</c>.</summary>
    public static Tensor Of(ModuleList<Convolution> convolutions, Tensor input)
    {
        using var scope = NewDisposeScope();
        return cat([.. convolutions.Select(convolution => convolution.forward(input))], dim: 1).permute(0, 2, 3, 1).MoveToOuterDisposeScope();
    }
}

/// <summary>Images to a normed map of patches that see several scales: <c>[B, 3, H, W]</c> to <c>[B, H/p, W/p, C]</c>.</summary>
internal sealed class CrossScalePatches : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "projs")]
    private readonly ModuleList<Convolution> _projections;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public CrossScalePatches(CrossFormerSpec spec)
        : base(nameof(CrossScalePatches))
    {
        _projections = CrossScale.Convolutions(3, spec.EmbedDim, spec.PatchSizes, spec.PatchSize);
        _norm = new LayerNorm(spec.EmbedDim, CrossFormerBlock.Epsilon);
        RegisterComponents();
    }

    public Tensor Weight => _projections[0].Weight;

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _norm.forward(CrossScale.Of(_projections, images)).MoveToOuterDisposeScope();
    }
}

/// <summary>One stage: blocks with groups of neighbours and of distant patches in turn; beside them what joins its map to larger patches for the next.</summary>
internal sealed class CrossFormerStage : nn.Module<Tensor, Tensor>, ITappedBlock
{
    [ComponentName(Name = "blocks")]
    private readonly ModuleList<CrossFormerBlock> _blocks;

    [ComponentName(Name = "downsample")]
    private readonly CrossScaleMerging? _merging;

    public CrossFormerStage(IEnumerable<CrossFormerBlock> blocks, CrossScaleMerging? merging)
        : base(nameof(CrossFormerStage))
    {
        _blocks = nn.ModuleList(blocks.ToArray());
        _merging = merging;
        RegisterComponents();
    }

    public IReadOnlyList<CrossFormerBlock> Blocks => [.. _blocks];

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The stage, with somebody who may take the values of its last block on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        return _blocks.Run(map.alias(), i => i == _blocks.Count - 1 ? tap : null).MoveToOuterDisposeScope();
    }

    /// <summary>The stage's map as the next one takes it; the last stage's as it is.</summary>
    public Tensor Joined(Tensor map) => _merging is null ? map.alias() : _merging.forward(map);
}

/// <summary>Joins 2x2 patches to one of twice the channels, seen at several scales: <c>[B, H, W, C]</c> to <c>[B, H/2, W/2, 2C]</c>.</summary>
internal sealed class CrossScaleMerging : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "reductions")]
    private readonly ModuleList<Convolution> _reductions;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public CrossScaleMerging(int dim, IReadOnlyList<int> sizes)
        : base(nameof(CrossScaleMerging))
    {
        _reductions = CrossScale.Convolutions(dim, 2 * dim, sizes, stride: 2);
        _norm = new LayerNorm(dim, CrossFormerBlock.Epsilon);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return CrossScale.Of(_reductions, _norm.forward(map).permute(0, 3, 1, 2)).MoveToOuterDisposeScope();
    }
}

/// <summary>One block on a map <c>[B, H, W, C]</c>: attention in groups, then an MLP; both pre-norm.</summary>
internal sealed class CrossFormerBlock : nn.Module<Tensor, Tensor>, ITappedBlock
{
    public const double Epsilon = 1e-5;
    private readonly DropPath _dropPath;
    private readonly int _group;
    private readonly int _interval;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly GroupAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public CrossFormerBlock(CrossFormerStageSizes stage, double mlpRatio, int index, double dropPath)
        : base(nameof(CrossFormerBlock))
    {
        _dropPath = new DropPath(dropPath);
        (_group, _interval) = stage.GroupOf(index);
        _attentionNorm = new LayerNorm(stage.Dim, Epsilon);
        _attention = new GroupAttention(stage, _group, stage.Padded(index) == (stage.Rows, stage.Columns) ? null : () => Mask(stage, index));
        _mlpNorm = new LayerNorm(stage.Dim, Epsilon);
        _mlp = new Mlp(stage.Dim, (int)(stage.Dim * mlpRatio));
        RegisterComponents();
    }

    public GroupAttention Attention => _attention;

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = WindowGeometry.Attended(_attentionNorm.forward(map), _group, shift: 0, _attention.forward, _interval); // (B, H, W, C)
        map = _dropPath.AddBranches(map, attended, mid => _mlp.forward(_mlpNorm.forward(mid)), training, tap);
        tap?.Offer(MapPoint.Resid, map);
        return map.MoveToOuterDisposeScope();
    }

    // -1e6 for the keys that are padding, [groups, 1, G*G].
    private static Tensor Mask(CrossFormerStageSizes stage, int index)
    {
        var ((group, interval), (rows, columns)) = (stage.GroupOf(index), stage.Padded(index));
        using var scope = NewDisposeScope();
        var padded = nn.functional.pad(zeros(1, stage.Rows, stage.Columns, 1), [0, 0, 0, columns - stage.Columns, 0, rows - stage.Rows], value: -1e6);
        return WindowGeometry.Partition(padded, group, interval).transpose(1, 2).MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention inside groups, with a bias for each offset between two patches that a small network works out. Padding is no key.</summary>
internal sealed class GroupAttention : LayerWithConstants
{
    private readonly int _heads;
    private readonly PlacedTensor _offsets;
    private readonly PlacedTensor _index;
    private readonly PlacedTensor? _mask;

    [ComponentName(Name = "pos")]
    private readonly PositionBiasNetwork _biases;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public GroupAttention(CrossFormerStageSizes stage, int group, Func<Tensor>? mask)
        : base(nameof(GroupAttention))
    {
        _heads = stage.Heads;
        _offsets = Constant(() => tensor(RelativePositions.Offsets(group, group)));
        _index = Constant(() => RelativePositions.Between(group, group));
        _mask = mask is null ? null : Constant(mask);
        _biases = new PositionBiasNetwork(stage.BiasDim, stage.Heads);
        _qkv = new Linear(stage.Dim, 3 * stage.Dim);
        _projection = new Linear(stage.Dim, stage.Dim);
        RegisterComponents();
    }

    /// <summary>Row and column offset for each row of the bias table, float <c>[(2G-1)^2, 2]</c>.</summary>
    public PlacedTensor OffsetTable => _offsets;

    /// <summary>Row of the bias table for each pair of patches of a group, int64 <c>[G*G, G*G]</c>.</summary>
    public PlacedTensor Index => _index;

    /// <summary><c>[B * groups, G*G, C]</c> to the same shape.</summary>
    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var table = _biases.forward(_offsets.At(tokens.device, tokens.dtype));                        // ((2G-1)^2, nh)
        var bias = RelativePositions.Bias(table, _index.At(tokens.device, ScalarType.Int64));         // (nh, G*G, G*G)
        var masked = RelativePositions.Masked(bias, _mask?.At(tokens.device, tokens.dtype), tokens.shape[0]);
        return _projection.forward(BiasedAttention.OfTokens(_qkv.forward(tokens), _heads, masked)).MoveToOuterDisposeScope();
    }
}
