using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

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
