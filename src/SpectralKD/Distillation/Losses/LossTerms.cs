using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>The weighed terms of a step's loss, scalars with gradients. Their sum is what is trained on.</summary>
public sealed class LossTerms(Tensor labels, Tensor? alignment, Tensor? logits)
{
    /// <summary>Labels, times <c>1 - alpha</c> unless the method is none (the reference's <c>loss_base</c>).</summary>
    public Tensor Labels { get; } = labels;

    /// <summary>Alignment, times <c>beta * w_fft</c> (<c>loss_fft</c>); null where no maps are aligned.</summary>
    public Tensor? Alignment { get; } = alignment;

    /// <summary>KD, times <c>alpha</c> (<c>loss_dist</c>); null where the method has none.</summary>
    public Tensor? Logits { get; } = logits;

    /// <summary>The sum, in the reference's order.</summary>
    public Tensor Total()
    {
        using var scope = NewDisposeScope();
        var total = Labels.alias();
        total = Alignment is null ? total : total.Plus(Alignment);
        total = Logits is null ? total : total.Plus(Logits);
        return total.MoveToOuterDisposeScope();
    }

    /// <summary>The terms as numbers, fetched from the device at once.</summary>
    public LossValues Values()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var present = new[] { Labels, Alignment, Logits }.Where(term => term is not null).Select(term => term!.detach().to(ScalarType.Float64)).ToArray();
        var values = stack(present).cpu().data<double>().ToArray();
        var next = 0;
        return new LossValues(values[next++], Alignment is null ? null : values[next++], Logits is null ? null : values[next]);
    }

    internal LossTerms MoveToOuterDisposeScope()
    {
        Labels.MoveToOuterDisposeScope();
        Alignment?.MoveToOuterDisposeScope();
        Logits?.MoveToOuterDisposeScope();
        return this;
    }
}
