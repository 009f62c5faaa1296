namespace SpectralKD.Distillation;

/// <summary>The labels: cross entropy with label smoothing.</summary>
internal sealed class LabelsTerm(double smoothing) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "labels",
        Compares = "the student's logits with the labels (cross entropy)",
        Source = "timm, LabelSmoothingCrossEntropy",
        Weight = 1,
        Teacher = false,
        Arguments = [LossArgument.Number("smoothing", 0.1, "label smoothing", 0, 1, openHigh: true)],
        Make = (settings, _) => new LabelsTerm(settings.Number("smoothing")),
    };

    public override Tensor Of(TermInputs inputs) => LogitLoss.Labels(inputs.Logits, inputs.Labels, smoothing);
}

/// <summary>Knowledge distillation by softened logits, of SpectralKD's reference; or of standardised logits.</summary>
internal sealed class SoftTerm(double tau, bool standardise) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "kd",
        Compares = "softened logits (Kullback-Leibler divergence)",
        Source = "Hinton et al. 2015, arXiv 1503.02531, as in SpectralKD's losses.py; standardise: Sun et al., CVPR 2024, logit-standardization-KD",
        Weight = 0.9,
        LabelWeight = 0.1,
        TeacherLogits = true,
        Arguments =
        [
            LossArgument.Temperature(1, "temperature; 2 with standardise"),
            LossArgument.Switch(LossKind.Standardise, false, "each image's logits to mean 0 and deviation 1 first; weight 9"),
        ],
        Standardised = new Dictionary<string, string> { ["tau"] = "2", ["weight"] = "9" },
        Make = (settings, _) => new SoftTerm(settings.Number("tau"), settings.Switch(LossKind.Standardise)),
    };

    public override Tensor Of(TermInputs inputs)
    {
        var other = inputs.RequireTeacherLogits(Kind.Name);
        return standardise
            ? TermMath.Scoped(() => LogitLoss.Soft(StandardLogits.Of(inputs.Logits), StandardLogits.Of(other), tau))
            : LogitLoss.Soft(inputs.Logits, other, tau);
    }
}

/// <summary>Knowledge distillation by the teacher's decisions.</summary>
internal sealed class HardTerm : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "hard",
        Compares = "the student's logits with the teacher's decisions (cross entropy)",
        Source = "Touvron et al. 2021, arXiv 2012.12877 (DeiT), as in SpectralKD's losses.py",
        Weight = 0.9,
        LabelWeight = 0.1,
        TeacherLogits = true,
        Make = (_, _) => new HardTerm(),
    };

    public override Tensor Of(TermInputs inputs) => LogitLoss.Hard(inputs.Logits, inputs.RequireTeacherLogits(Kind.Name));
}

/// <summary>
/// DIST: the correlation of student's and teacher's probabilities, over the classes of each image (inter) and over the images of each class (intra):
/// <c>tau² (beta (1 - mean rho rows) + gamma (1 - mean rho columns))</c>.
/// </summary>
internal sealed class DistTerm(double tau, double beta, double gamma) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "dist",
        Compares = "correlations of probabilities, over classes and over the batch",
        Source = "Huang et al., NeurIPS 2022, arXiv 2205.10536; hunto/image_classification_sota, dist_kd.py",
        Weight = 2,
        TeacherLogits = true,
        Arguments =
        [
            LossArgument.Temperature(1),
            LossArgument.Number("beta", 1, "weight of the correlation over classes (inter)"),
            LossArgument.Number("gamma", 1, "weight of the correlation over images (intra)"),
        ],
        Make = (settings, _) => new DistTerm(settings.Number("tau"), settings.Number("beta"), settings.Number("gamma")),
    };

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        var (inter, intra) = Parts(inputs.Logits, inputs.RequireTeacherLogits(Kind.Name), tau);
        return inter.Times(beta).Plus(intra.Times(gamma)).MoveToOuterDisposeScope();
    }

    /// <summary>Both parts, each times tau².</summary>
    public static (Tensor Inter, Tensor Intra) Parts(Tensor student, Tensor teacher, double tau)
    {
        var (own, other) = (student.Over(tau).softmax(1), teacher.Over(tau).softmax(1));
        return (Distance(own, other), Distance(own.t(), other.t()));
        Tensor Distance(Tensor left, Tensor right) => Correlation(left, right).mean().Minus(1).Times(-tau * tau);
    }

    // Of the rows; the small number is added to the product of the norms.
    private static Tensor Correlation(Tensor left, Tensor right)
    {
        var (one, two) = (left - left.mean([1], keepdim: true), right - right.mean([1], keepdim: true));
        var norms = one.Squared().sum(1).sqrt() * two.Squared().sum(1).sqrt();
        return (one * two).sum(1) / norms.Plus(1e-8);
    }
}

/// <summary>Logits of each image shifted and scaled to mean 0 and standard deviation 1 over the classes (divisor K - 1; 1e-7 is added to the deviation).</summary>
internal static class StandardLogits
{
    /// <summary><c>[B, K]</c>, K at least 2.</summary>
    public static Tensor Of(Tensor logits)
    {
        using var scope = NewDisposeScope();
        var centred = logits - logits.mean([1], keepdim: true);
        var deviation = centred.Squared().sum(1, keepdim: true).Over(Math.Max(1, logits.shape[1] - 1)).sqrt();
        return (centred / deviation.Plus(1e-7)).MoveToOuterDisposeScope();
    }
}

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
