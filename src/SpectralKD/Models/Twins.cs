using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>
/// Sizes of a Twins (arXiv 2104.13840): PCPVT, whose blocks all attend to reduced keys, or SVT, whose even blocks attend within windows instead. A depth-wise
/// convolution after each stage's first block stands in for position embeddings.
/// </summary>
public sealed record TwinsSpec : ModelSpec
{
    /// <summary>Patches of 4x4 pixels; each later stage joins 2x2 of them.</summary>
    public TwinsSpec() => PatchSize = 4;

    /// <inheritdoc/>
    public override string Family => "Twins";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Channels of the stages after the first, which has <see cref="ModelSpec.EmbedDim"/>.</summary>
    public required IReadOnlyList<int> LaterDims { get; init; }

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    /// <summary>Hidden channels of the MLP in each stage, as a multiple of its channels. <see cref="ModelSpec.MlpRatio"/> has no effect.</summary>
    public IReadOnlyList<double> MlpRatios { get; init; } = [4, 4, 4, 4];

    /// <summary>Side of the square of patches that becomes one key, in each stage (timm's <c>sr_ratios</c>).</summary>
    public IReadOnlyList<int> Reductions { get; init; } = [8, 4, 2, 1];

    /// <summary>Side of the windows that even blocks attend within, in each stage (SVT); null for none (PCPVT).</summary>
    public IReadOnlyList<int>? Windows { get; init; }

    internal override (string Key, IReadOnlyList<long> Shape) FirstParameter => ("patch_embeds.0.proj.weight", [EmbedDim, 3, PatchSize, PatchSize]);

    internal override TimmConstruction? TimmConstruction => new(Windows is null ? "twins_pcpvt_small" : "twins_svt_small", new Dictionary<string, object>
    {
        ["patch_size"] = PatchSize,
        ["embed_dims"] = (int[])[EmbedDim, .. LaterDims],
        ["depths"] = Depths,
        ["num_heads"] = Heads,
        ["mlp_ratios"] = MlpRatios,
        ["sr_ratios"] = Reductions,
        ["wss"] = Windows!, // null is timm's word for none, too
    });

    /// <inheritdoc/>
    public override VisionModel Build() => new Twins(this);

    /// <summary>The stages in order.</summary>
    internal IReadOnlyList<TwinsStageSizes> Stages => [.. Enumerable.Range(0, Depths.Count).Select(index => new TwinsStageSizes(
        index == 0 ? EmbedDim : LaterDims[index - 1], Depths[index], Heads[index], MlpRatios[index], new KeyReduction(Reductions[index]), Windows?[index],
        GridHeight >> index, GridWidth >> index))];

    /// <inheritdoc/>
    internal override double WidestValue =>
        Stages.Max(stage => (double)stage.Rows * stage.Columns * stage.Dim * Math.Max(3, stage.MlpRatio));

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) =>
        shape.Count == 4 ? Convolution.ByOutputs(shape) : base.InitialOf(key, shape);

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        Require(Depths.Count >= 1 && new[] { Heads.Count, LaterDims.Count + 1, MlpRatios.Count, Reductions.Count, Windows?.Count ?? Depths.Count }.All(count => count == Depths.Count),
            $"has {Depths.Count} depths, {Heads.Count} heads, {LaterDims.Count + 1} widths, {MlpRatios.Count} MLP ratios, {Reductions.Count} reductions and {Windows?.Count ?? Depths.Count} windows: "
            + "give one of each for every stage");
        var step = PatchSize << (Depths.Count - 1);
        Require(GridHeight * PatchSize % step == 0 && GridWidth * PatchSize % step == 0,
            $"joins 2x2 patches {Depths.Count - 1} times, which {GridHeight}x{GridWidth} patches do not allow: use an image size that is a multiple of {step}");
        foreach (var (stage, index) in Stages.Select((stage, index) => (stage, index)))
        {
            RequireBlocks(stage.Depth, stage.Dim, stage.Heads, stage.MlpRatio);
            Require(stage.Reduction.Step >= 1, $"has reduction {stage.Reduction.Step} in stage {index}: give at least 1");
            Require(stage.Window is null or >= 2, $"has windows of {stage.Window} in stage {index}: give at least 2");
            Require(stage.Reduction.Keys(stage.Rows, stage.Columns) >= 1,
                $"makes one key of {stage.Reduction.Step}x{stage.Reduction.Step} patches in stage {index}, whose map is {stage.Rows}x{stage.Columns}: use a larger image size");
        }
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        long last = Stages[^1].Dim;
        return ModelFigures.Sum(
            [.. Stages.Select((stage, index) => stage.Count(index, index == 0 ? 3 : Stages[index - 1].Dim, index == 0 ? PatchSize : 2))],
            Norm(last) + Linear(last, Classes),
            last * Classes);
    }
}

/// <summary>The sizes of a stage of Twins; <paramref name="Rows"/> and <paramref name="Columns"/> are those of its map.</summary>
internal sealed record TwinsStageSizes(int Dim, int Depth, int Heads, double MlpRatio, KeyReduction Reduction, int? Window, int Rows, int Columns)
{
    /// <summary>The window of a block; null where it attends to reduced keys.</summary>
    public int? WindowOf(int block) => block % 2 == 0 ? Window : null;

    public BlockFigures Count(int index, long inputs, long patch)
    {
        long dim = Dim, patches = (long)Rows * Columns, hidden = Hidden(Dim, MlpRatio);
        var (parameters, cost) = (Linear(inputs * patch * patch, dim) + Norm(dim), patches * inputs * patch * patch * dim); // patches
        (parameters, cost) = (parameters + Linear(9, dim), cost + (9 * patches * dim));                                      // positions
        for (var i = 0; i < Depth; i++)
        {
            parameters += (2 * Norm(dim)) + Linear(dim, hidden) + Linear(hidden, dim);
            cost += 2 * patches * dim * hidden;
            if (WindowOf(i) is { } window)
            {
                long padded = (long)((Rows + window - 1) / window * window) * ((Columns + window - 1) / window * window);
                parameters += 4 * Linear(dim, dim);
                cost += (3 * padded * dim * dim) + (patches * dim * dim) + (2 * padded * window * window * dim);
            }
            else
            {
                parameters += ReducedAttention.Count(dim, Reduction);
                cost += ReducedAttention.CountMultiplyAdds(Rows, Columns, dim, Reduction);
            }
        }

        return new BlockFigures(new BlockInfo(index, $"blocks.{index}", Dim, Rows, Columns), parameters, cost);
    }
}

/// <summary>
/// Twins as timm 1.0.11 computes it. Its "blocks" are the stages' outputs without a norm; the mean of the last one's normed patches goes into the head.
/// </summary>
public sealed class Twins : TimmModel
{
    [ComponentName(Name = "patch_embeds")]
    private readonly ModuleList<NormedPatches> _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<ModuleList<TwinsBlock>> _blocks;

    [ComponentName(Name = "pos_block")]
    private readonly ModuleList<ConvolvedPositions> _positions;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Twins(TwinsSpec spec)
        : base(spec)
    {
        var stages = spec.Stages;
        var rates = new Queue<double>(DropPath.Linear(spec.DropPathRate, spec.Depths.Sum()));
        _patches = nn.ModuleList(stages.Select((stage, i) => new NormedPatches(i == 0 ? 3 : stages[i - 1].Dim, stage.Dim, i == 0 ? spec.PatchSize : 2)).ToArray());
        _blocks = nn.ModuleList(stages.Select(stage => nn.ModuleList(
            Enumerable.Range(0, stage.Depth).Select(i => new TwinsBlock(stage, i, rates.Dequeue())).ToArray())).ToArray());
        _positions = nn.ModuleList(stages.Select(stage => new ConvolvedPositions(stage.Dim)).ToArray());
        _norm = new LayerNorm(stages[^1].Dim, TwinsBlock.Epsilon);
        _head = spec.Classes == 0 ? null : new Linear(stages[^1].Dim, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay => field ??= named_parameters().Select(parameter => parameter.name)
        .Where(name => name.StartsWith("pos_block.", StringComparison.Ordinal)).ToHashSet();

    /// <summary>All points, of each stage's last block.</summary>
    public override IReadOnlyList<MapPoint> MapPoints { get; } = Enum.GetValues<MapPoint>();

    /// <summary>Of the blocks that attend to all patches, which SVT's even ones do not; keys are those that a stage reduces its map to, row by row.</summary>
    public override IReadOnlyList<string> AttentionNames => [.. ((TwinsSpec)Spec).Stages.SelectMany((stage, s) =>
        Enumerable.Range(0, stage.Depth).Where(i => stage.WindowOf(i) is null).Select(i => $"blocks.{s}.{i}.attn"))];

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _patches[0].Weight;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var map = images.permute(0, 2, 3, 1); // (B, H, W, 3)
        for (var i = 0; i < _patches.Count; i++)
        {
            var input = map;
            map = Stage(i, input, kept.TapsOf(i, $"blocks.{i}", _blocks[i].Count, TokenGrid.ChannelsFirst)); // (B, H, W, C)
            input.Dispose();
        }

        var pooled = _norm.forward(map).mean([1, 2]);  // (B, C)
        return _head?.forward(pooled) ?? pooled;       // (B, classes)
    }

    private Tensor Stage(int index, Tensor map, StageTaps taps)
    {
        using var scope = NewDisposeScope();
        map = _patches[index].OnMap(map);
        for (var i = 0; i < _blocks[index].Count; i++)
        {
            map = _blocks[index][i].Run(map, taps.Of(i));
            map = i == 0 ? _positions[index].forward(map) : map;
        }

        taps.Last?.Offer(MapPoint.Resid, map);
        return map.MoveToOuterDisposeScope();
    }
}

/// <summary>Positions by a depth-wise 3x3 convolution, which the image's border betrays (arXiv 2102.10882): map + convolution(map), channels last.</summary>
internal sealed class ConvolvedPositions : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")]
    private readonly ModuleList<Convolution> _projection;

    public ConvolvedPositions(int dim)
        : base(nameof(ConvolvedPositions))
    {
        _projection = nn.ModuleList(new Convolution(dim, dim, kernel: 3, padding: 1, groups: dim));
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        return map.Plus(_projection[0].OnMap(map)).MoveToOuterDisposeScope();
    }
}

/// <summary>One block on a map <c>[B, H, W, C]</c>: attention within windows or to reduced keys, then an MLP; both pre-norm.</summary>
internal sealed class TwinsBlock : nn.Module<Tensor, Tensor>
{
    public const double Epsilon = 1e-6;
    private readonly DropPath _dropPath;

    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "attn")]
    private readonly nn.Module<Tensor, Tensor> _attention;

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public TwinsBlock(TwinsStageSizes stage, int index, double dropPath)
        : base(nameof(TwinsBlock))
    {
        _dropPath = new DropPath(dropPath);
        _attentionNorm = new LayerNorm(stage.Dim, Epsilon);
        _attention = stage.WindowOf(index) is { } window
            ? new LocalAttention(stage.Dim, stage.Heads, window)
            : new ReducedAttention(stage.Dim, stage.Heads, stage.Reduction);
        _mlpNorm = new LayerNorm(stage.Dim, Epsilon);
        _mlp = new Mlp(stage.Dim, (int)(stage.Dim * stage.MlpRatio));
        RegisterComponents();
    }

    public override Tensor forward(Tensor map) => Run(map, tap: null);

    /// <summary>The block, with somebody who may take its values on the way.</summary>
    public Tensor Run(Tensor map, BlockTap? tap)
    {
        using var scope = NewDisposeScope();
        var normed = _attentionNorm.forward(map);
        var attended = _attention is ReducedAttention reduced ? reduced.Run(normed, tap) : _attention.call(normed); // (B, H, W, C)
        return _dropPath.AddBranches(map, attended, mid => _mlp.forward(_mlpNorm.forward(mid)), training, tap).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention within windows without shift, bias or mask: zeros that fill the last windows take part. <c>[B, H, W, C]</c> in and out.</summary>
internal sealed class LocalAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly int _window;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "proj")]
    private readonly Linear _projection;

    public LocalAttention(int dim, int heads, int window)
        : base(nameof(LocalAttention))
    {
        (_heads, _window) = (heads, window);
        _qkv = new Linear(dim, 3 * dim);
        _projection = new Linear(dim, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width, dim) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        var (below, right) = ((_window - (height % _window)) % _window, (_window - (width % _window)) % _window);
        var padded = below + right == 0 ? map : nn.functional.pad(map, [0, 0, 0, right, 0, below]);
        var (down, across, area) = ((height + below) / _window, (width + right) / _window, _window * _window);
        var windows = padded.reshape(batch, down, _window, across, _window, dim).transpose(2, 3).reshape(batch * down * across, area, dim); // (B*nW, w*w, C)
        var qkv = _qkv.forward(windows).reshape(batch * down * across, area, 3, _heads, dim / _heads).permute(2, 0, 3, 1, 4);              // (3, B*nW, nh, w*w, d)
        var mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]).transpose(1, 2);                                    // (B*nW, w*w, nh, d)
        var whole = mixed.reshape(batch, down, across, _window, _window, dim).transpose(2, 3).reshape(batch, height + below, width + right, dim);
        return _projection.forward(whole.narrow(1, 0, height).narrow(2, 0, width)).MoveToOuterDisposeScope();                              // (B, H, W, C)
    }
}
