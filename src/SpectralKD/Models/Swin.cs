using System.Text.RegularExpressions;
using SpectralKD.Models.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using LayerNorm = SpectralKD.Models.Layers.LayerNorm;

namespace SpectralKD.Models;

/// <summary>
/// Swin as timm 1.0.11 computes it: maps with channels last, stages of windowed attention, patch merging at the start of each stage
/// but the first, then a norm, the mean over the map and a linear head. Its "blocks" are the stages' outputs.
/// </summary>
public sealed partial class Swin : TimmModel
{
    private readonly SwinSpec _sizes;

    [ComponentName(Name = "patch_embed")]
    private readonly SwinPatchEmbedding _patches;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<SwinStage> _stages;

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
        var rates = DropPath.Linear(spec.DropPath, spec.Depths.Sum());
        _patches = new SwinPatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _stages = nn.ModuleList(stages.Select((stage, i) =>
            new SwinStage(stage, spec.MlpRatio, first: i == 0, rates.AsSpan(spec.Depths.Take(i).Sum(), stage.Depth))).ToArray());
        _norm = new LayerNorm(stages[^1].Channels, epsilon: 1e-5);
        _head = new PooledHead(stages[^1].Channels, spec.Classes);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> NoWeightDecay => field ??= named_parameters().Select(parameter => parameter.name)
        .Where(name => name.EndsWith("relative_position_bias_table", StringComparison.Ordinal)).ToHashSet();

    /// <summary>The stages, for tests of their constants.</summary>
    internal IReadOnlyList<SwinStage> Stages => [.. _stages];

    private protected override Tensor FirstWeight => _patches.Weight;

    /// <inheritdoc/>
    public override Tensor FitCheckpointTensor(string key, Tensor value) =>
        BiasTable().Match(key) is { Success: true } match && int.Parse(match.Groups[1].Value) is var stage && stage < _sizes.Depths.Count
            ? RelativePositionBias.Fit(value, _sizes.Stages[stage].Window)
            : value;

    private protected override Tensor Run(Tensor images, KeptMaps kept)
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

    [GeneratedRegex(@"^layers\.(\d+)\..*relative_position_bias_table$")]
    private static partial Regex BiasTable();
}
