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
