using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a Pyramid Vision Transformer v2 (arXiv 2106.13797): stages of attention to reduced keys, each at half the resolution of the last; overlapping patches
/// and depth-wise convolutions in place of position embeddings.
/// </summary>
public sealed record PvtV2Spec : ModelSpec
{
    /// <summary>The first stage has one patch for each 4x4 pixels.</summary>
    public PvtV2Spec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "PVT v2";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Channels of the stages after the first, which has <see cref="ModelSpec.EmbedDim"/>.</summary>
    public required IReadOnlyList<int> LaterDims { get; init; }

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    /// <summary>Hidden channels of the MLP in each stage, as a multiple of its channels. <see cref="ModelSpec.MlpRatio"/> has no effect.</summary>
    public IReadOnlyList<double> MlpRatios { get; init; } = [8, 8, 4, 4];

    /// <summary>Side of the square of patches that becomes one key, in each stage (timm's <c>sr_ratios</c>).</summary>
    public IReadOnlyList<int> Reductions { get; init; } = [8, 4, 2, 1];

    /// <summary>Keys averaged to 7x7 in every block instead (timm's <c>linear</c>, the model b2_li).</summary>
    public bool LinearAttention { get; init; }

    internal override (string Key, IReadOnlyList<long> Shape) FirstParameter => ("patch_embed.proj.weight", [EmbedDim, 3, 7, 7]);

    internal override TimmConstruction? TimmConstruction => new("pvt_v2_b0", new Dictionary<string, object>
    {
        ["embed_dims"] = (int[])[EmbedDim, .. LaterDims],
        ["depths"] = Depths,
        ["num_heads"] = Heads,
        ["mlp_ratios"] = MlpRatios,
        ["sr_ratios"] = Reductions,
        ["linear"] = LinearAttention,
    });

    internal override bool TimmTakesImageSize => false;

    /// <inheritdoc/>
    public override VisionModel Build() => new PvtV2(this);

    /// <summary>The stages in order.</summary>
    internal IReadOnlyList<PvtV2Stage.Sizes> Stages => [.. Enumerable.Range(0, Depths.Count).Select(Stage)];

    /// <inheritdoc/>
    internal override double WidestValue =>
        Stages.Max(stage => (double)stage.Rows * stage.Columns * stage.Dim * Math.Max(3, stage.MlpRatio));

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) => shape.Count == 4
        ? Convolution.ByOutputs(shape)
        : key.EndsWith(".bias", StringComparison.Ordinal) ? new(InitialDistribution.Constant, 0) : base.InitialOf(key, shape);

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && new[] { Heads.Count, LaterDims.Count + 1, MlpRatios.Count, Reductions.Count }.All(count => count == Depths.Count),
            $"has {Depths.Count} depths, {Heads.Count} heads, {LaterDims.Count + 1} widths, {MlpRatios.Count} MLP ratios and {Reductions.Count} reductions: give one of each for every stage");
        Require(PatchSize == 4, $"has patch size {PatchSize}: this family's first convolution has stride 4");
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
        {
            RequireBlocks(stage.Depth, stage.Dim, stage.Heads, stage.MlpRatio);
            Require(stage.Reduction.Step >= 1, $"has reduction {stage.Reduction.Step} in stage {index}: give at least 1");
            Require(stage.Reduction.Keys(stage.Rows, stage.Columns) >= 1,
                $"makes one key of {stage.Reduction.Step}x{stage.Reduction.Step} patches in stage {index}, whose map is {stage.Rows}x{stage.Columns}: use a larger image size");
        }
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long last = Stages[^1].Dim, patches = (long)GridHeight * GridWidth;
        return ModelFigures.Sum(
            [.. Stages.Select((stage, index) => stage.Count(index, index == 0 ? 0 : Stages[index - 1].Dim))],
            PatchEmbedding(PvtV2Stage.FirstKernel, EmbedDim) + Norm(EmbedDim) + Linear(last, Classes),
            PatchEmbeddingMultiplyAdds(patches, PvtV2Stage.FirstKernel, EmbedDim) + (last * Classes));
    }

    private PvtV2Stage.Sizes Stage(int index)
    {
        var (rows, columns) = (GridHeight, GridWidth);
        for (var i = 0; i < index; i++)
        {
            (rows, columns) = ((rows + 1) / 2, (columns + 1) / 2);
        }

        return new PvtV2Stage.Sizes(
            index == 0 ? EmbedDim : LaterDims[index - 1], Depths[index], Heads[index], MlpRatios[index], new KeyReduction(Reductions[index], LinearAttention), rows, columns);
    }
}

/// <summary>
/// PVT v2 as timm 1.0.11 computes it. Its "blocks" are the stages' outputs, each after the stage's own norm; the last one's mean goes into the head.
/// </summary>
public sealed class PvtV2 : TimmModel
{
    [ComponentName(Name = "patch_embed")]
    private readonly NormedPatches _patches;

    [ComponentName(Name = "stages")]
    private readonly ModuleList<PvtV2Stage> _stages;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public PvtV2(PvtV2Spec spec)
        : base(spec)
    {
        var stages = spec.Stages;
        var rates = DropPath.Linear(spec.DropPathRate, spec.Depths.Sum());
        _patches = new NormedPatches(3, spec.EmbedDim, PvtV2Stage.FirstKernel, stride: 4);
        _stages = nn.ModuleList(stages.Select((stage, i) => new PvtV2Stage(
            stage, i == 0 ? null : stages[i - 1].Dim, rates.AsSpan(spec.Depths.Take(i).Sum(), stage.Depth))).ToArray());
        _head = spec.Classes == 0 ? null : new Linear(stages[^1].Dim, spec.Classes);
        RegisterComponents();
    }

    /// <summary>All points, of each stage's last block. A stage's map is what its own norm makes of that block's stream, so that <c>resid</c> is not <c>mid</c> plus <c>mlp</c> here, but its norm.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <summary>Of all blocks; keys are those that a stage reduces its map to, row by row.</summary>
    public override IReadOnlyList<string> AttentionNames => [.. _stages.SelectMany((stage, s) => Enumerable.Range(0, stage.Depth).Select(i => $"stages.{s}.blocks.{i}.attn"))];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = _patches.forward(images); // (B, H/4, W/4, C)
        for (var i = 0; i < _stages.Count; i++)
        {
            var input = map;
            map = _stages[i].Run(input, kept.TapsOf(i, $"stages.{i}.blocks", _stages[i].Depth, TokenGrid.ChannelsFirst));
            input.Dispose();
        }

        var pooled = map.mean([1, 2]);                 // (B, C)
        return _head?.forward(pooled) ?? pooled;       // (B, classes)
    }
}

/// <summary>One stage: patches of the last stage's map (but for the first), blocks, a norm. <c>[B, H, W, C]</c> in and out.</summary>
internal sealed class PvtV2Stage : nn.Module<Tensor, Tensor>
{
    public const int FirstKernel = 7;
    public const int LaterKernel = 3;

    [ComponentName(Name = "downsample")]
    private readonly NormedPatches? _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<PvtV2Block> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public PvtV2Stage(Sizes sizes, int? inputs, ReadOnlySpan<double> dropPaths)
        : base(nameof(PvtV2Stage))
    {
        _patches = inputs is { } channels ? new NormedPatches(channels, sizes.Dim, LaterKernel, stride: 2) : null;
        var blocks = new PvtV2Block[sizes.Depth];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new PvtV2Block(sizes, dropPaths[i]);
        }

        _blocks = nn.ModuleList(blocks);
        _norm = new LayerNorm(sizes.Dim, PvtV2Block.Epsilon);
        RegisterComponents();
    }

    public int Depth => _blocks.Count;

    public override Tensor forward(Tensor map) => Run(map, default);

    /// <summary>The stage, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, StageTaps taps)
    {
        using var scope = NewDisposeScope();
        map = _norm.forward(_blocks.Run(_patches?.OnMap(map) ?? map.alias(), taps.Of));
        taps.Last?.Offer(MapPoint.Resid, map);
        return map.MoveToOuterDisposeScope();
    }

    /// <summary>The sizes of a stage; <paramref name="Rows"/> and <paramref name="Columns"/> are those of its map.</summary>
    internal sealed record Sizes(int Dim, int Depth, int Heads, double MlpRatio, KeyReduction Reduction, int Rows, int Columns)
    {
        public BlockFigures Count(int index, long inputs)
        {
            long dim = Dim, patches = (long)Rows * Columns, hidden = Hidden(Dim, MlpRatio);
            const long kernel = LaterKernel * LaterKernel;
            var block = (2 * Norm(dim)) + ReducedAttention.Count(dim, Reduction) + Linear(dim, hidden) + Linear(kernel, hidden) + Linear(hidden, dim);
            var cost = ReducedAttention.CountMultiplyAdds(Rows, Columns, dim, Reduction) + (2 * patches * dim * hidden) + (kernel * patches * hidden);
            return new BlockFigures(
                new BlockInfo(index, $"stages.{index}", Dim, Rows, Columns),
                (Depth * block) + Norm(dim) + (inputs == 0 ? 0 : Linear(kernel * inputs, dim) + Norm(dim)),
                (Depth * cost) + (kernel * inputs * dim * patches));
        }
    }
}

/// <summary>One block on a map <c>[B, H, W, C]</c>: attention to reduced keys, then an MLP with a depth-wise convolution; both pre-norm.</summary>
internal sealed class PvtV2Block : nn.Module<Tensor, Tensor>, ITappedBlock
{
    public const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly ReducedAttention _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly ConvolvingMlp _mlp;

    public PvtV2Block(PvtV2Stage.Sizes sizes, double dropPath)
        : base(nameof(PvtV2Block))
    {
        _dropPath = new DropPath(dropPath);
        _attentionNorm = new LayerNorm(sizes.Dim, Epsilon);
        _attention = new ReducedAttention(sizes.Dim, sizes.Heads, sizes.Reduction);
        _mlpNorm = new LayerNorm(sizes.Dim, Epsilon);
        _mlp = new ConvolvingMlp(sizes.Dim, (int)(sizes.Dim * sizes.MlpRatio), rectified: sizes.Reduction.Pooled);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var attended = _attention.Run(_attentionNorm.forward(map), tap); // (B, H, W, C)
        return _dropPath.AddBranches(map, attended, mid => _mlp.forward(_mlpNorm.forward(mid)), training, tap).MoveToOuterDisposeScope();
    }
}

/// <summary>Two linear layers with a depth-wise 3x3 convolution and a GELU between them; with linear attention also a ReLU before the convolution.</summary>
internal sealed class ConvolvingMlp : nn.Module<Tensor, Tensor>
{
    private readonly bool _rectified;

    [ComponentName(Name = "fc1")]
    private readonly Linear _expand;

    [ComponentName(Name = "dwconv")]
    private readonly Convolution _convolution;

    [ComponentName(Name = "fc2")]
    private readonly Linear _contract;

    public ConvolvingMlp(int dim, int hidden, bool rectified)
        : base(nameof(ConvolvingMlp))
    {
        _rectified = rectified;
        _expand = new Linear(dim, hidden);
        _convolution = new Convolution(hidden, hidden, kernel: 3, padding: 1, groups: hidden);
        _contract = new Linear(hidden, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var hidden = _expand.forward(map);                                                    // (B, H, W, hidden)
        hidden = _rectified ? nn.functional.relu(hidden, inplace: Overwriting.Allowed) : hidden;
        hidden = nn.functional.gelu(_convolution.OnMap(hidden), inplace: Overwriting.Allowed);
        return _contract.forward(hidden).MoveToOuterDisposeScope();                           // (B, H, W, C)
    }
}
