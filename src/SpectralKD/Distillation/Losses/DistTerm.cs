namespace SpectralKD.Distillation;

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
