using System.Text.RegularExpressions;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>Sizes of a Swin transformer (arXiv 2103.14030): stages of windowed attention, each at half the resolution of the last.</summary>
public sealed record SwinSpec : ModelSpec
{
    /// <summary>Patches of 4x4 pixels; <see cref="ModelSpec.EmbedDim"/> are the channels of the first stage, each later stage doubles them.</summary>
    public SwinSpec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "Swin";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <inheritdoc/>
    public override double AlignmentWeight => 0.05;

    /// <summary>Side of an attention window in patches; clamped to the stage's resolution, rows and columns each for themselves.</summary>
    public int WindowSize { get; init; } = 7;

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    /// <summary>The stages in order, with the sizes that follow from the others.</summary>
    public IReadOnlyList<SwinStageSpec> Stages => SwinStageSpec.Of(this, Depths, Heads, WindowSize);

    internal override TimmConstruction? TimmConstruction => new("swin_tiny_patch4_window7_224", new Dictionary<string, object>
    {
        ["patch_size"] = PatchSize,
        ["window_size"] = WindowSize,
        ["embed_dim"] = EmbedDim,
        ["depths"] = Depths,
        ["num_heads"] = Heads,
        ["mlp_ratio"] = MlpRatio,
    });

    /// <inheritdoc/>
    public override VisionModel Build() => new Swin(this);

    /// <inheritdoc/>
    public override ModelSpec WithWindow(int window) => this with { WindowSize = window };

    internal override int? Window => WindowSize;

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && Depths.Count == Heads.Count,
            $"has {Depths.Count} depths and {Heads.Count} heads: give one of each for every stage");
        Require(WindowSize >= 1, $"has window size {WindowSize}: give at least 1");
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
        {
            Require(stage.NominalSize is { Rows: >= 1, Columns: >= 1 },
                $"has {Depths.Count} stages, too many for {ImageSize} px: stage {index} would have no patches left");
            RequireBlocks(stage.Depth, stage.Channels, stage.Heads);

            // timm computes the shift mask for the nominal resolution; it must have as many windows as the real one.
            var planned = stage.NominalSize.With(stage.Window, SwinStageSpec.Padded);
            Require(stage.Depth < 2 || !stage.Shifts || planned == stage.PaddedSize,
                $"cannot shift windows of {(stage.Window.Rows == stage.Window.Columns ? $"{stage.Window.Rows}" : $"{stage.Window}")} in stage {index}: its map is {stage.Size}, its mask is planned for "
                + $"{stage.NominalSize} (timm fails here too); use an image size that is a multiple of "
                + $"{PatchSize << (Depths.Count - 1)}");
        }
    }

    /// <summary>Counts the model; attention works on padded windows, everything else on the real map.</summary>
    protected override ModelFigures CountParts()
    {
        var stages = Stages;
        var last = stages[^1].Channels;
        long patches = stages[0].Size.Count;
        return ModelFigures.Sum(
            [.. stages.Select((stage, index) => stage.Count(
                index, MlpRatio, Block(stage.Channels, Hidden(stage.Channels, MlpRatio)) + ((long)stage.Offsets * stage.Heads), mergingNorm: Norm(2L * stage.Channels)))],
            PatchEmbedding(PatchSize, EmbedDim) + Norm(EmbedDim) + Norm(last) + Linear(last, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, EmbedDim) + ((long)last * Classes));
    }
}

/// <summary>The sizes of one stage of Swin, first or second generation.</summary>
public sealed record SwinStageSpec
{
    /// <summary>Channels C of the stage's tokens.</summary>
    public required int Channels { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>Attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The resolution that timm plans with: windows, shifts and masks follow from it.</summary>
    public required MapShape NominalSize { get; init; }

    /// <summary>The feature map that the stage really has.</summary>
    public required MapShape Size { get; init; }

    /// <summary>An attention window in patches, clamped to the nominal resolution.</summary>
    public required MapShape Window { get; init; }

    /// <summary>Shift of every second block in patches; 0 along a side that one window covers.</summary>
    public required MapShape Shift { get; init; }

    /// <summary>The feature map after padding to whole windows.</summary>
    public MapShape PaddedSize => Size.With(Window, Padded);

    /// <summary>Swin v2: side of the window by which offsets are measured; 0 for the stage's own.</summary>
    internal int Pretrained { get; init; }

    /// <summary>Different offsets between two patches of a window: rows of the bias table.</summary>
    internal int Offsets => ((2 * Window.Rows) - 1) * ((2 * Window.Columns) - 1);

    internal bool Shifts => Shift != 0;

    internal static int Padded(int side, int window) => (side + window - 1) / window * window;

    /// <summary>The stages of a model, each at half the resolution and twice the channels of the last.</summary>
    internal static IReadOnlyList<SwinStageSpec> Of(ModelSpec sizes, IReadOnlyList<int> depths, IReadOnlyList<int> heads, int windowSize)
    {
        var stages = new List<SwinStageSpec>();
        var (nominal, actual) = (new MapShape(sizes.GridHeight, sizes.GridWidth), new MapShape(sizes.GridHeight, sizes.GridWidth));
        for (var i = 0; i < depths.Count; i++)
        {
            stages.Add(new SwinStageSpec
            {
                Channels = sizes.EmbedDim << i,
                Depth = depths[i],
                Heads = heads[i],
                NominalSize = nominal,
                Size = actual,
                Window = nominal.Each(side => Math.Min(side, windowSize)),
                Shift = nominal.Each(side => side <= windowSize ? 0 : windowSize / 2),
            });

            // timm halves the nominal resolution downwards, but merging pads an odd side and so halves it upwards.
            (nominal, actual) = (nominal.Each(side => side / 2), actual.Each(side => (side + 1) / 2));
        }

        return stages;
    }

    /// <summary>Counts the stage; attention works on padded windows, everything else on the real map.</summary>
    /// <param name="index">0-based; the first stage merges no patches.</param>
    /// <param name="mlpRatio">Hidden channels of the MLP as a multiple of the stage's.</param>
    /// <param name="block">Parameters of one block.</param>
    /// <param name="mergingNorm">Parameters of the norm of patch merging.</param>
    internal BlockFigures Count(int index, double mlpRatio, long block, long mergingNorm)
    {
        long dim = Channels, tokens = Size.Count, padded = PaddedSize.Count, window = Window.Count;
        var merged = index == 0 ? 0 : 2 * dim; // channels of four neighbours: 4 * (dim / 2)
        var cost = (4 * padded * dim * dim) + (2 * padded * window * dim) + (2 * tokens * dim * Hidden(dim, mlpRatio));
        return new BlockFigures(
            new BlockInfo(index, $"layers.{index}", Channels, Size.Rows, Size.Columns),
            (Depth * block) + (merged * dim) + (index == 0 ? 0 : mergingNorm),
            (Depth * cost) + (tokens * merged * dim));
    }
}

/// <summary>
/// Swin as timm 1.0.11 computes it: maps with channels last, stages of windowed attention, patch merging at the start of each stage
/// but the first, then a norm, the mean over the map and a linear head. Its "blocks" are the stages' outputs.
/// </summary>
public sealed partial class Swin : TimmModel
{
    private readonly SwinSpec _sizes;

    [ComponentName(Name = "patch_embed")]
    private readonly NormedPatches _patches;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<SwinStage<PatchMerging, SwinBlock>> _stages;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly PooledHead _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Swin(SwinSpec spec)
        : base(spec)
    {
        _sizes = spec;
        var stages = spec.Stages;
        var rates = new Queue<double>(DropPath.Linear(spec.DropPathRate, spec.Depths.Sum()));
        _patches = new NormedPatches(3, spec.EmbedDim, spec.PatchSize);
        _stages = nn.ModuleList(stages.Select((stage, i) => new SwinStage<PatchMerging, SwinBlock>(
            i == 0 ? null : new PatchMerging(stage.Channels / 2), Enumerable.Range(0, stage.Depth).Select(block => new SwinBlock(stage, spec.MlpRatio, second: block % 2 == 1, rates.Dequeue())))).ToArray());
        _norm = new LayerNorm(stages[^1].Channels, epsilon: 1e-5);
        _head = new PooledHead(stages[^1].Channels, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay => field ??= named_parameters().Select(parameter => parameter.name)
        .Where(name => name.EndsWith("relative_position_bias_table", StringComparison.Ordinal)).ToHashSet();

    /// <summary>All points, of each stage's last block: its residual stream after the block is the stage's map. Attention is in windows, so it has no maps over all patches.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <summary>The stages, for tests of their constants.</summary>
    internal IReadOnlyList<SwinStage<PatchMerging, SwinBlock>> Stages => [.. _stages];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        BiasTable().Match(key) is { Success: true } match && int.Parse(match.Groups[1].Value) is var stage && stage < _sizes.Depths.Count
            ? RelativePositionBias.Fit(value, _sizes.Stages[stage].Window.Rows, _sizes.Stages[stage].Window.Columns)
            : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = _stages.Run(_patches.forward(images), i => kept.TapOf(i, $"layers.{i}", TokenGrid.ChannelsFirst)); // (B, H, W, C)
        return _head.forward(_norm.forward(map));                                                                  // (B, classes)
    }

    [GeneratedRegex(@"^layers\.(\d+)\..*relative_position_bias_table$")]
    private static partial Regex BiasTable();
}

/// <summary>One stage of Swin or Swin v2: patch merging (but for the first), then blocks with and without shift in turn.</summary>
internal sealed class SwinStage<TMerging, TBlock> : nn.Module<Tensor, Tensor>, ITappedBlock
    where TMerging : nn.Module<Tensor, Tensor>
    where TBlock : nn.Module<Tensor, Tensor>, ITappedBlock
{
    [ComponentName(Name = "downsample")]
    private readonly TMerging? _merging;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<TBlock> _blocks;

    public SwinStage(TMerging? merging, IEnumerable<TBlock> blocks)
        : base("SwinStage")
    {
        _merging = merging;
        _blocks = nn.ModuleList(blocks.ToArray());
        RegisterComponents();
    }

    public IReadOnlyList<TBlock> Blocks => [.. _blocks];

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The stage, with somebody who may take the values of its last block on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        return _blocks.Run(_merging is null ? map.alias() : _merging.forward(map), i => i == _blocks.Count - 1 ? tap : null).MoveToOuterDisposeScope();
    }
}

/// <summary>Joins 2x2 neighbours to one patch of twice the channels: <c>[B, H, W, C]</c> to <c>[B, ⌈H/2⌉, ⌈W/2⌉, 2C]</c>.</summary>
internal sealed class PatchMerging : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "reduction")]
    private readonly Linear _reduction;

    public PatchMerging(int dim)
        : base(nameof(PatchMerging))
    {
        _norm = new LayerNorm(4 * dim, epsilon: 1e-5);
        _reduction = new Linear(4 * dim, 2 * dim, bias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return _reduction.forward(_norm.forward(WindowGeometry.Neighbours(map))).MoveToOuterDisposeScope();
    }
}
