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

    /// <summary>The stages in order.</summary>
    internal IReadOnlyList<SwinV2StageSizes> Stages => [.. Enumerable.Range(0, Depths.Count).Select(Stage)];

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
            var (rows, columns) = stage.Window;
            Require(rows >= 2 && columns >= 2,
                $"has a map of {stage.Nominal.Rows}x{stage.Nominal.Columns} patches in stage {index}, too small for a window: use a larger image size or fewer stages");
            RequireBlocks(stage.Depth, stage.Dim, stage.Heads);

            // timm cuts the shift mask, planned for the nominal grid, into windows without padding it.
            Require(stage.Depth < 2 || stage.Shift == (0, 0) || (stage.Nominal == stage.Grid && stage.Nominal.Rows % rows == 0 && stage.Nominal.Columns % columns == 0),
                $"cannot shift windows of {rows}x{columns} in stage {index}, whose map is {stage.Grid.Rows}x{stage.Grid.Columns}: each side must be a multiple of the window's "
                + $"(timm fails here too); use an image size that is a multiple of {(PatchSize << (Depths.Count - 1)) * WindowSize} or another window size");
        }
    }

    /// <summary>Counts the model; the network for the biases runs once a pass, whatever the batch, and is not counted in the multiply-adds.</summary>
    protected override ModelFigures CountParts()
    {
        long last = Stages[^1].Dim, patches = (long)GridHeight * GridWidth;
        return ModelFigures.Sum(
            [.. Stages.Select((stage, index) => stage.Count(index, MlpRatio))],
            PatchEmbedding(PatchSize, EmbedDim) + Norm(EmbedDim) + Norm(last) + Linear(last, Classes),
            PatchEmbeddingMultiplyAdds(patches, PatchSize, EmbedDim) + (last * Classes));
    }

    private SwinV2StageSizes Stage(int index)
    {
        var (nominal, actual) = ((Rows: GridHeight, Columns: GridWidth), (Rows: GridHeight, Columns: GridWidth));
        for (var i = 0; i < index; i++)
        {
            // timm halves the grid that it plans with downwards, but merging pads an odd side and so halves it upwards.
            (nominal, actual) = ((nominal.Rows / 2, nominal.Columns / 2), ((actual.Rows + 1) / 2, (actual.Columns + 1) / 2));
        }

        return new SwinV2StageSizes(
            EmbedDim << index, Depths[index], Heads[index], nominal, actual,
            (Math.Min(nominal.Rows, WindowSize), Math.Min(nominal.Columns, WindowSize)),
            (nominal.Rows <= WindowSize ? 0 : WindowSize / 2, nominal.Columns <= WindowSize ? 0 : WindowSize / 2),
            PretrainedWindows?[index] ?? 0);
    }
}

/// <summary>The sizes of a stage of Swin v2.</summary>
/// <param name="Dim">Channels.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Nominal">The grid that timm plans with: windows, shifts and masks follow from it.</param>
/// <param name="Grid">The grid that the stage really has.</param>
/// <param name="Window">The window, clamped to the nominal grid.</param>
/// <param name="Shift">Shift of every second block; 0 along a side that one window covers.</param>
/// <param name="Pretrained">Side of the window by which offsets are measured; 0 for the own one.</param>
internal sealed record SwinV2StageSizes(
    int Dim, int Depth, int Heads, (int Rows, int Columns) Nominal, (int Rows, int Columns) Grid, (int Rows, int Columns) Window, (int Rows, int Columns) Shift, int Pretrained)
{
    /// <summary>Hidden channels of the network that works out the biases.</summary>
    public const int BiasHidden = 512;

    public BlockFigures Count(int index, double mlpRatio)
    {
        long dim = Dim, tokens = (long)Grid.Rows * Grid.Columns, window = (long)Window.Rows * Window.Columns, hidden = Hidden(Dim, mlpRatio);
        long padded = (Grid.Rows + Window.Rows - 1) / Window.Rows * ((Grid.Columns + Window.Columns - 1) / Window.Columns) * window;
        long merged = index == 0 ? 0 : 2 * dim; // channels of four neighbours: 4 * (dim / 2)
        var block = Block(dim, hidden) - dim + Heads + Linear(2, BiasHidden) + (BiasHidden * Heads); // no bias for keys
        var cost = (4 * padded * dim * dim) + (2 * padded * window * dim) + (2 * tokens * dim * hidden);
        return new BlockFigures(
            new BlockInfo(index, $"layers.{index}", Dim, Grid.Rows, Grid.Columns),
            (Depth * block) + (merged * dim) + (index == 0 ? 0 : Norm(dim)),
            (Depth * cost) + (tokens * merged * dim));
    }
}

/// <summary>
/// Swin v2 as timm 1.0.11 computes it: maps with channels last, stages of windowed attention, patch merging at the start of each stage but the first, then a norm,
/// the mean over the map and a linear head. Its "blocks" are the stages' outputs.
/// </summary>
public sealed class SwinV2 : TimmModel
{
    private readonly SwinV2Spec _sizes;

    [ComponentName(Name = "patch_embed")]
    private readonly SwinPatchEmbedding _patches;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<SwinV2Stage> _stages;

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
        var rates = DropPath.Linear(spec.DropPathRate, spec.Depths.Sum());
        _patches = new SwinPatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _stages = nn.ModuleList(stages.Select((stage, i) =>
            new SwinV2Stage(stage, spec.MlpRatio, first: i == 0, rates.AsSpan(spec.Depths.Take(i).Sum(), stage.Depth))).ToArray());
        _norm = new LayerNorm(stages[^1].Dim, SwinV2Block.Epsilon);
        _head = new PooledHead(stages[^1].Dim, spec.Classes);
        RegisterComponents();
    }

    /// <summary>The stages, for tests of their constants.</summary>
    internal IReadOnlyList<SwinV2Stage> Stages => [.. _stages];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key == "patch_embed.proj.weight" ? PatchKernel.Fit(value, _sizes.PatchSize) : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = _patches.forward(images); // (B, H, W, C)
        for (var i = 0; i < _stages.Count; i++)
        {
            var input = map;
            map = _stages[i].forward(input);
            input.Dispose();
            if (kept.Wants(i))
            {
                kept.Keep(i, map.permute(0, 3, 1, 2).contiguous()); // (B, C, H, W)
            }
        }

        return _head.forward(_norm.forward(map)); // (B, classes)
    }
}

/// <summary>One stage: patch merging (but for the first), then blocks with and without shift in turn.</summary>
internal sealed class SwinV2Stage : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "downsample")]
    private readonly NormedMerging? _merging;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<SwinV2Block> _blocks;

    public SwinV2Stage(SwinV2StageSizes stage, double mlpRatio, bool first, ReadOnlySpan<double> dropPaths)
        : base(nameof(SwinV2Stage))
    {
        _merging = first ? null : new NormedMerging(stage.Dim / 2);
        var blocks = new SwinV2Block[stage.Depth];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new SwinV2Block(stage, mlpRatio, i % 2 == 1 ? stage.Shift : (0, 0), dropPaths[i]);
        }

        _blocks = nn.ModuleList(blocks);
        RegisterComponents();
    }

    public IReadOnlyList<SwinV2Block> Blocks => [.. _blocks];

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        map = _merging is null ? map.alias() : _merging.forward(map);
        foreach (var block in _blocks)
        {
            var input = map;
            map = block.forward(input);
            input.Dispose();
        }

        return map.MoveToOuterDisposeScope();
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
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        var (rows, columns) = ((height + 1) / 2, (width + 1) / 2);
        var even = height % 2 + width % 2 == 0 ? map : nn.functional.pad(map, [0, 0, 0, width % 2, 0, height % 2]);
        var neighbours = even.reshape(batch, rows, 2, columns, 2, dim)                 // (B, H/2, row, W/2, column, C)
            .permute(0, 1, 3, 4, 2, 5).reshape(batch, rows, columns, 4 * dim);         // (0,0), (1,0), (0,1), (1,1) as (row, column)
        return _norm.forward(_reduction.forward(neighbours)).MoveToOuterDisposeScope();
    }
}

/// <summary>Swin v2's block on maps <c>[B, H, W, C]</c>: attention in windows, shifted in every second block, then an MLP; norms at the end of both branches.</summary>
internal sealed class SwinV2Block : nn.Module<Tensor, Tensor>
{
    public const double Epsilon = 1e-5;
    private readonly DropPath _dropPath;
    private readonly (int Rows, int Columns) _window;
    private readonly (int Rows, int Columns) _shift;

    [ComponentName(Name = "attn")]
    private readonly CosineWindowAttention _attention;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    public SwinV2Block(SwinV2StageSizes stage, double mlpRatio, (int Rows, int Columns) shift, double dropPath)
        : base(nameof(SwinV2Block))
    {
        _dropPath = new DropPath(dropPath);
        (_window, _shift) = (stage.Window, shift);
        _attention = new CosineWindowAttention(stage, shift);
        _attentionNorm = new LayerNorm(stage.Dim, Epsilon);
        _mlp = new Mlp(stage.Dim, (int)(stage.Dim * mlpRatio));
        _mlpNorm = new LayerNorm(stage.Dim, Epsilon);
        RegisterComponents();
    }

    public CosineWindowAttention Attention => _attention;

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        map = _dropPath.Add(map, _attentionNorm.forward(Attend(map)), training);     // (B, H, W, C)
        map = _dropPath.Add(map, _mlpNorm.forward(_mlp.forward(map)), training);     // (B, H, W, C)
        return map.MoveToOuterDisposeScope();
    }

    /// <summary>Shift, pad at the right and bottom to whole windows, attend, cut the padding off, shift back: in this order.</summary>
    private Tensor Attend(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        var (below, right) = ((_window.Rows - (height % _window.Rows)) % _window.Rows, (_window.Columns - (width % _window.Columns)) % _window.Columns);
        var rolled = _shift == (0, 0) ? map : map.roll([-_shift.Rows, -_shift.Columns], [1, 2]);
        var padded = below + right == 0 ? rolled : nn.functional.pad(rolled, [0, 0, 0, right, 0, below]);                       // (B, H', W', C)
        var (down, across) = ((height + below) / _window.Rows, (width + right) / _window.Columns);
        var windows = padded.reshape(batch, down, _window.Rows, across, _window.Columns, dim).transpose(2, 3)
            .reshape(batch * down * across, _window.Rows * _window.Columns, dim);                                               // (B*nW, w*w, C)
        var whole = _attention.forward(windows).reshape(batch, down, across, _window.Rows, _window.Columns, dim).transpose(2, 3)
            .reshape(batch, height + below, width + right, dim).narrow(1, 0, height).narrow(2, 0, width);                       // (B, H, W, C)
        return (_shift == (0, 0) ? whole : whole.roll([_shift.Rows, _shift.Columns], [1, 2])).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Self-attention inside windows by the cosine of queries and keys, sharpened by a learned factor for each head, with a bias for each offset between two patches.
/// Windows made by a cyclic shift hold patches that are no neighbours in the image; a mask of -100 keeps those apart.
/// </summary>
internal sealed class CosineWindowAttention : nn.Module<Tensor, Tensor>
{
    private static readonly double s_sharpest = Math.Log(100);
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

    public CosineWindowAttention(SwinV2StageSizes stage, (int Rows, int Columns) shift)
        : base(nameof(CosineWindowAttention))
    {
        _heads = stage.Heads;
        _offsets = new PlacedTensor(() => Offsets(stage));
        _index = new PlacedTensor(() => RelativePositions.Between(stage.Window.Rows, stage.Window.Columns));
        _mask = shift == (0, 0) ? null : new PlacedTensor(() => ShiftMask(stage));
        _sharpness = NewParameter.Zeros(stage.Heads, 1, 1);
        _queryBias = NewParameter.Zeros(stage.Dim);
        _valueBias = NewParameter.Zeros(stage.Dim);
        _biases = new OffsetNetwork(stage.Heads);
        _qkv = new BiasedProjection(stage.Dim);
        _projection = new Linear(stage.Dim, stage.Dim);
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
        var sharpness = _sharpness.Within(double.NegativeInfinity, s_sharpest).exp().Times(Math.Sqrt(head));                   // the attention divides by that root
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

    private static Tensor Offsets(SwinV2StageSizes stage)
    {
        var (height, width) = stage.Window;
        var offsets = new float[((2 * height) - 1) * ((2 * width) - 1), 2];
        for (var row = 0; row < offsets.GetLength(0); row++)
        {
            offsets[row, 0] = Logarithmic((row / ((2 * width) - 1)) - height + 1, (stage.Pretrained > 0 ? stage.Pretrained : height) - 1);
            offsets[row, 1] = Logarithmic((row % ((2 * width) - 1)) - width + 1, (stage.Pretrained > 0 ? stage.Pretrained : width) - 1);
        }

        return tensor(offsets);
    }

    // ±log8(1 + 8 |offset| / largest): 0 to ±1.06 within the window.
    private static float Logarithmic(int offset, int largest) =>
        (float)(Math.Sign(offset) * Math.Log2((8.0 * Math.Abs(offset) / largest) + 1) / 3);

    private static Tensor ShiftMask(SwinV2StageSizes stage)
    {
        var (height, width) = stage.Window;
        var (area, across) = (height * width, stage.Nominal.Columns / width);
        var mask = new float[stage.Nominal.Rows / height * across, area, area];
        for (var w = 0; w < mask.GetLength(0); w++)
        {
            var parts = Enumerable.Range(0, area).Select(patch => (
                Part((w / across * height) + (patch / width), stage.Nominal.Rows, height, stage.Shift.Rows),
                Part((w % across * width) + (patch % width), stage.Nominal.Columns, width, stage.Shift.Columns))).ToArray();
            for (var pair = 0; pair < area * area; pair++)
            {
                mask[w, pair / area, pair % area] = parts[pair / area] == parts[pair % area] ? 0 : -100;
            }
        }

        return tensor(mask);
    }

    // Which part of the image a row or column of the shifted map comes from.
    private static int Part(int position, int side, int window, int shift) =>
        shift == 0 || position < side - window ? 0 : position < side - shift ? 1 : 2;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _offsets.Dispose();
            _index.Dispose();
            _mask?.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>Works out a bias for each head from an offset: <c>[rows, 2]</c> to <c>[rows, nh]</c>.</summary>
internal sealed class OffsetNetwork : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "0")]
    private readonly Linear _expand;

    [ComponentName(Name = "2")]
    private readonly Linear _contract;

    public OffsetNetwork(int heads)
        : base(nameof(OffsetNetwork))
    {
        _expand = new Linear(2, SwinV2StageSizes.BiasHidden);
        _contract = new Linear(SwinV2StageSizes.BiasHidden, heads, bias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor offsets)
    {
        using var scope = NewDisposeScope();
        return _contract.forward(nn.functional.relu(_expand.forward(offsets), inplace: Overwriting.Allowed)).MoveToOuterDisposeScope();
    }
}
