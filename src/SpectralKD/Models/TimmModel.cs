using static TorchSharp.torch;

namespace SpectralKD.Models;

/// <summary>
/// What the families of this library share: the input is checked before torch sees it, the blocks to keep are worked out, and
/// every tensor of a pass but its results is freed at the end. A family writes one method, <see cref="Run"/>.
/// </summary>
public abstract class TimmModel : VisionModel
{
    private protected TimmModel(ModelSpec spec)
        : base(spec.Name)
    {
        SpecRules.Check(spec);
        Spec = spec;
    }

    /// <inheritdoc/>
    public override ModelSpec Spec { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<BlockInfo> Blocks => field ??= ModelFigures.BlocksOf(Spec);

    /// <inheritdoc/>
    public sealed override ModelOutput ForwardIntermediates(Tensor images, IReadOnlyList<int>? blocks)
    {
        var kept = new KeptMaps(BlockSelection.Resolve(blocks, Blocks.Count, Spec.Name));
        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        var logits = Run(images, kept);
        return new ModelOutput(logits, kept.Maps).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected sealed override Tensor ForwardLogits(Tensor images)
    {
        InputRules.Check(images, Spec, FirstWeight);
        using var scope = NewDisposeScope();
        return Run(images, KeptMaps.None).MoveToOuterDisposeScope();
    }

    /// <summary>The weight that meets the images first: its dtype and device are the model's.</summary>
    private protected abstract Tensor FirstWeight { get; }

    /// <summary>The forward pass: hands the maps that are wanted to <paramref name="kept"/> and returns the logits.</summary>
    private protected abstract Tensor Run(Tensor images, KeptMaps kept);
}
