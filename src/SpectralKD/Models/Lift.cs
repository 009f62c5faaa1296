using System.Globalization;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Models;

/// <summary>How the widths of lifted maps grow from the base model's to the target, from <see cref="LiftSpec.Start"/> to the last block.</summary>
public enum LiftGrowth
{
    /// <summary>Only the last block's map is lifted.</summary>
    Step,

    /// <summary>By equal steps.</summary>
    Linear,

    /// <summary>By equal ratios.</summary>
    Exponential,
}

/// <summary>
/// Sizes of Lift (arXiv 2511.15572, "Encoding Mismatch"): a DeiT whose last maps are projected to a teacher's width and normed; the maps that are compared are those, and
/// the head reads the mean of the last one. The projection stays in the student.
/// </summary>
public sealed record LiftSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "Lift";

    /// <inheritdoc/>
    public override bool HeadIsOptional => true;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Channels of the last lifted map.</summary>
    public required int Target { get; init; }

    /// <summary>0-based first block whose map may be lifted; null for the last.</summary>
    public int? Start { get; init; }

    /// <summary>How the widths grow.</summary>
    public LiftGrowth Growth { get; init; }

    internal override (string Key, IReadOnlyList<long> Shape) FirstParameter => (Lift.BasePrefix + base.FirstParameter.Key, base.FirstParameter.Shape);

    /// <summary>The sizes of the model that is lifted; its final norm and head are there and take no part.</summary>
    internal VisionTransformerSpec Base => new()
    {
        Name = Name,
        ImageSize = ImageSize,
        PatchSize = PatchSize,
        EmbedDim = EmbedDim,
        Depth = Depth,
        Heads = Heads,
        MlpRatio = MlpRatio,
        Classes = Classes,
        DropPathRate = DropPathRate,
        Preprocessing = Preprocessing,
    };

    /// <summary>Channels of a block's map.</summary>
    internal int WidthOf(int block)
    {
        var start = Start ?? (Depth - 1);
        var (step, steps, ratio) = (block - start + 1, Depth - start, (double)Target / EmbedDim);
        return block < start ? EmbedDim : Growth switch
        {
            LiftGrowth.Linear => (int)(EmbedDim + ((Target - EmbedDim) * ((double)step / steps))),
            LiftGrowth.Exponential => (int)(EmbedDim * Math.Pow(ratio, (double)step / steps)),
            _ => step == steps ? Target : EmbedDim,
        };
    }

    /// <inheritdoc/>
    public override VisionModel Build() => new Lift(this);

    /// <inheritdoc/>
    public override InitialValues InitialOf(string key, IReadOnlyList<long> shape) =>
        key.StartsWith(Lift.BasePrefix, StringComparison.Ordinal) ? Base.InitialOf(key[Lift.BasePrefix.Length..], shape)
        : key.StartsWith("projections.", StringComparison.Ordinal) ? new(InitialDistribution.Uniform, 1 / Math.Sqrt(EmbedDim)) // torch's own, as in the authors' code
        : key.StartsWith("head.", StringComparison.Ordinal) ? new(InitialDistribution.Uniform, 1 / Math.Sqrt(Target))
        : base.InitialOf(key, shape);

    /// <inheritdoc/>
    protected override void CheckSizes()
    {
        RequireBlocks(Depth, EmbedDim, Heads);
        Require(Target >= 1, $"lifts to {Target} channels: give at least 1");
        Require(Start is null or >= 0 && (Start ?? 0) < Depth, $"lifts from block {Start}, but has {Depth}: give 0 to {Depth - 1}");
    }

    /// <inheritdoc/>
    protected override ModelFigures CountParts()
    {
        var figures = Base.Count();
        long patches = GridHeight * GridWidth;
        var blocks = figures.Blocks.Select((block, i) =>
        {
            long width = WidthOf(i);
            return block with
            {
                Block = block.Block with { Name = Lift.BasePrefix + block.Block.Name, Channels = (int)width },
                Parameters = block.Parameters + (width == EmbedDim ? 0 : (EmbedDim * width) + Norm(width)),
                MultiplyAdds = block.MultiplyAdds + (width == EmbedDim || i < Depth - 1 ? 0 : patches * EmbedDim * width),
            };
        }).ToArray();
        return ModelFigures.Sum(
            blocks,
            figures.Parameters - figures.Blocks.Sum(block => block.Parameters) + Linear(WidthOf(Depth - 1), Classes),
            figures.MultiplyAdds - figures.Blocks.Sum(block => block.MultiplyAdds) + ((long)WidthOf(Depth - 1) * Classes));
    }
}

/// <summary>The student of <see cref="LiftSpec"/>, under the authors' keys: <c>base_model</c>, <c>projections</c>, <c>layer_norms</c>, <c>head</c>.</summary>
public sealed class Lift : TimmModel
{
    internal const string BasePrefix = "base_model.";
    private readonly LiftSpec _sizes;

    [ComponentName(Name = "base_model")]
    private readonly VisionTransformer _base;

    [ComponentName(Name = "projections")]
    private readonly ByBlock<Linear> _projections;

    [ComponentName(Name = "layer_norms")]
    private readonly ByBlock<LayerNorm> _norms;

    [ComponentName(Name = "head")]
    private readonly Linear? _head;

    /// <summary>Builds the model. Weights are zero until <see cref="TimmInitialization"/> or a checkpoint fills them.</summary>
    /// <param name="spec">The sizes.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together.</exception>
    public Lift(LiftSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _base = new VisionTransformer(spec.Base);
        var lifted = Enumerable.Range(0, spec.Depth).Where(block => spec.WidthOf(block) != spec.EmbedDim).ToList();
        _projections = new ByBlock<Linear>(lifted, block => new Linear(spec.EmbedDim, spec.WidthOf(block), bias: false));
        _norms = new ByBlock<LayerNorm>(lifted, block => new LayerNorm(spec.WidthOf(block), epsilon: 1e-5));
        _head = spec.Classes == 0 ? null : new Linear(spec.WidthOf(spec.Depth - 1), spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override Tensor FirstWeight => _base.parameters().First();

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        key.StartsWith(BasePrefix, StringComparison.Ordinal) ? _base.FitCheckpointTensor(key[BasePrefix.Length..], value) : value;

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var last = _sizes.Depth - 1;
        var output = _base.ForwardIntermediates(images, [.. Enumerable.Range(0, _sizes.Depth).Where(block => block == last || kept.Wants(block))]);
        Tensor? features = null;
        foreach (var map in output.Maps)
        {
            features = Lifted(map.Block, map.Values);
            if (kept.Wants(map.Block))
            {
                kept.Keep(map.Block, features);
            }
        }

        var pooled = features!.mean([2, 3]);          // (B, C)
        return _head?.forward(pooled) ?? pooled;      // (B, classes)
    }

    // (B, C, H, W) to (B, C', H, W).
    private Tensor Lifted(int block, Tensor map) => _projections[block] is { } projection
        ? _norms[block]!.forward(projection.forward(map.permute(0, 2, 3, 1))).permute(0, 3, 1, 2).contiguous()
        : map;

    /// <summary>Layers of some blocks, under the blocks' numbers. TorchSharp's own dictionary of modules cannot be moved to another number type.</summary>
    private sealed class ByBlock<T> : nn.Module
        where T : nn.Module
    {
        private readonly Dictionary<int, T> _layers = [];

        public ByBlock(IEnumerable<int> blocks, Func<int, T> make)
            : base(nameof(ByBlock<T>))
        {
            foreach (var block in blocks)
            {
                _layers[block] = make(block);
                register_module(block.ToString(CultureInfo.InvariantCulture), _layers[block]);
            }
        }

        public T? this[int block] => _layers.GetValueOrDefault(block);
    }
}
