namespace SpectralKD.Distillation;

/// <summary>Losses of logits: against labels and against a teacher's logits (reference <c>losses.py</c>; timm's label smoothing).</summary>
public static class LogitLoss
{
    /// <summary>
    /// Cross entropy with label smoothing: <c>(1 - s) (-log p[label]) + s mean over classes of (-log p)</c>, mean over the batch.
    /// </summary>
    /// <param name="logits"><c>[B, K]</c>.</param>
    /// <param name="labels">Class indices, int64 <c>[B]</c>, or class probabilities <c>[B, K]</c> (mixup, cutmix).</param>
    /// <param name="smoothing">s in [0, 1); 0 is plain cross entropy.</param>
    /// <exception cref="SpectralKDException">The shapes do not fit together.</exception>
    public static Tensor Labels(Tensor logits, Tensor labels, double smoothing = 0)
    {
        LibTorch.EnsureLoaded();
        var (own, other) = (logits.shape, labels.shape);
        if (own.Length != 2 || own[0] != other[0] || (other.Length != 1 && !own.SequenceEqual(other)))
        {
            throw new SpectralKDException($"logits {TensorInfo.Text(own)} do not fit labels {TensorInfo.Text(other)}: "
                + "give logits [B, K] and labels [B], or probabilities [B, K]");
        }

        return nn.functional.cross_entropy(logits, labels, label_smoothing: smoothing);
    }

    /// <summary>Soft distillation: <c>tau² sum p_t (log p_t - log p_s) / B</c> with p = softmax(logits / tau).</summary>
    /// <param name="student">Logits <c>[B, K]</c>, with gradients.</param>
    /// <param name="teacher">Logits <c>[B, K]</c>.</param>
    /// <param name="tau">Temperature, above 0.</param>
    /// <exception cref="SpectralKDException">The shapes differ.</exception>
    public static Tensor Soft(Tensor student, Tensor teacher, double tau = 1)
    {
        CheckPair(student, teacher);
        using var scope = NewDisposeScope();
        var own = nn.functional.log_softmax(student.Over(tau), 1);
        var other = nn.functional.log_softmax(teacher.Over(tau), 1);
        return ((other - own) * other.exp()).sum().Times(tau * tau / student.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>Hard distillation: cross entropy against the teacher's most likely class, without temperature.</summary>
    /// <param name="student">Logits <c>[B, K]</c>, with gradients.</param>
    /// <param name="teacher">Logits <c>[B, K]</c>.</param>
    /// <exception cref="SpectralKDException">The shapes differ.</exception>
    public static Tensor Hard(Tensor student, Tensor teacher)
    {
        CheckPair(student, teacher);
        using var scope = NewDisposeScope();
        return nn.functional.cross_entropy(student, teacher.argmax(1)).MoveToOuterDisposeScope();
    }

    internal static void CheckPair(Tensor student, Tensor teacher)
    {
        LibTorch.EnsureLoaded();
        if (student.shape.Length != 2 || !student.shape.SequenceEqual(teacher.shape))
        {
            throw new SpectralKDException($"the student's logits {TensorInfo.Text(student.shape)} and the teacher's {TensorInfo.Text(teacher.shape)} "
                + "differ: distil between models with the same classes, or use the method fft, which needs no logits of the teacher");
        }
    }
}
