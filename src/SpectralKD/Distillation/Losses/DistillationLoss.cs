using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>What a student learns from, named as the reference's <c>--distillation-type</c>.</summary>
public enum DistillationMethod
{
    /// <summary>Labels alone; no teacher.</summary>
    None,

    /// <summary>Labels and aligned feature maps; the teacher's logits are not used.</summary>
    Fft,

    /// <summary>Labels, the teacher's softened logits, and aligned feature maps where layers are given.</summary>
    Soft,

    /// <summary>Labels, the teacher's decisions, and aligned feature maps where layers are given.</summary>
    Hard,
}

/// <summary>The whole loss of a step: labels, KD and alignment, weighed as the reference's <c>DistillationLoss</c> does.</summary>
public static class DistillationLoss
{
    /// <summary>Computes all terms of a batch.</summary>
    /// <param name="weights">Method and weights.</param>
    /// <param name="logits">The student's logits <c>[B, K]</c>.</param>
    /// <param name="labels">Class indices int64 <c>[B]</c>, or probabilities <c>[B, K]</c>.</param>
    /// <param name="maps">The student's feature maps; empty for no alignment.</param>
    /// <param name="teacherLogits">The teacher's logits <c>[B, K]</c>; null where the method needs none.</param>
    /// <param name="teacherMaps">The teacher's feature maps, paired by position.</param>
    /// <returns>The weighed terms, which belong to the caller's dispose scope.</returns>
    /// <exception cref="SpectralKDException">Shapes do not fit together, or the method needs teacher logits and there are none.</exception>
    public static LossTerms Of(
        LossWeights weights,
        Tensor logits,
        Tensor labels,
        IReadOnlyList<Tensor> maps,
        Tensor? teacherLogits,
        IReadOnlyList<Tensor> teacherMaps)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(maps);
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var label = LogitLoss.Labels(logits, labels, weights.Smoothing);
        var terms = weights.Method == DistillationMethod.None
            ? new LossTerms(label, null, null)
            : new LossTerms(
                label.Times(1 - weights.Alpha),
                maps.Count == 0 ? null : AlignmentLoss.Of(maps, teacherMaps, weights.Form).Times(weights.Beta * weights.WFft),
                Logits(weights, logits, teacherLogits));
        return terms.MoveToOuterDisposeScope();
    }

    private static Tensor? Logits(LossWeights weights, Tensor student, Tensor? teacher)
    {
        if (weights.Method == DistillationMethod.Fft)
        {
            return null;
        }

        var other = teacher ?? throw new SpectralKDException($"the method {weights.Method} needs the teacher's logits: give a teacher");
        return (weights.Method == DistillationMethod.Soft ? LogitLoss.Soft(student, other, weights.Tau) : LogitLoss.Hard(student, other)).Times(weights.Alpha);
    }
}

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
        using var stacked = Stacked();
        return Read(stacked, Alignment is not null, Logits is not null);
    }

    /// <summary>The terms that there are, float64 <c>[1 to 3]</c>, still on the device.</summary>
    internal Tensor Stacked()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var present = new[] { Labels, Alignment, Logits }.Where(term => term is not null).Select(term => term!.detach().to(ScalarType.Float64));
        return stack(present.ToArray()).MoveToOuterDisposeScope();
    }

    /// <summary>The numbers of <see cref="Stacked"/>.</summary>
    internal static LossValues Read(Tensor stacked, bool aligned, bool logits)
    {
        using var fetched = stacked.cpu();
        var values = fetched.data<double>().ToArray();
        var next = 0;
        return new LossValues(values[next++], aligned ? values[next++] : null, logits ? values[next] : null);
    }

    internal LossTerms MoveToOuterDisposeScope()
    {
        Labels.MoveToOuterDisposeScope();
        Alignment?.MoveToOuterDisposeScope();
        Logits?.MoveToOuterDisposeScope();
        return this;
    }
}

/// <summary>
/// How the terms of the loss are weighed: <c>(1 - Alpha) labels + Alpha KD + Beta * WFft * alignment</c>. Defaults are the recipes' of the paper.
/// </summary>
public sealed record LossWeights
{
    /// <summary>What the student learns from.</summary>
    public DistillationMethod Method { get; init; } = DistillationMethod.Soft;

    /// <summary>How the maps' distance is computed.</summary>
    public AlignmentForm Form { get; init; } = AlignmentForm.ClosedForm;

    /// <summary>Weight of KD against labels, in [0, 1] (<c>--distillation-alpha</c>). The method none takes no notice of it.</summary>
    public double Alpha { get; init; } = 0.9;

    /// <summary>Weight of alignment, 0 or more (<c>--distillation-beta</c>), times <see cref="WFft"/>.</summary>
    public double Beta { get; init; } = 1;

    /// <summary>Weight of alignment, 0 or more (<c>--w-fft</c>): 0.2 for DeiT students, 0.05 for Swin.</summary>
    public double WFft { get; init; } = 0.2;

    /// <summary>Temperature of soft distillation, above 0 (<c>--distillation-tau</c>).</summary>
    public double Tau { get; init; } = 1;

    /// <summary>Label smoothing of the label term, in [0, 1) (<c>--smoothing</c>).</summary>
    public double Smoothing { get; init; } = 0.1;
}

/// <summary>The weighed terms of a loss as numbers.</summary>
/// <param name="Labels">Labels (<c>loss_base</c>).</param>
/// <param name="Alignment">Alignment (<c>loss_fft</c>); null where no maps are aligned.</param>
/// <param name="Logits">KD (<c>loss_dist</c>); null where the method has none.</param>
public readonly record struct LossValues(double Labels, double? Alignment, double? Logits)
{
    /// <summary>The sum of the terms.</summary>
    public double Total => Labels + (Alignment ?? 0) + (Logits ?? 0);

    /// <summary>True if every term is a finite number.</summary>
    public bool IsFinite => double.IsFinite(Total);

    /// <summary>The terms in words: <c>labels 0.29, alignment 0.36, KD 0.71</c>.</summary>
    public override string ToString() => string.Join(", ", new (string Name, double? Value)[] { ("labels", Labels), ("alignment", Alignment), ("KD", Logits) }
        .Where(term => term.Value is not null)
        .Select(term => term.Name + " " + term.Value!.Value.ToString("0.####", CultureInfo.InvariantCulture)));
}
