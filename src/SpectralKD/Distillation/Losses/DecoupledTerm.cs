namespace SpectralKD.Distillation;

/// <summary>
/// DKD: KD taken apart into how sure of the label's class teacher and student are (target, weight alpha), and how they spread the rest over the other classes
/// (non-target, weight beta).
/// </summary>
internal sealed class DecoupledTerm(double alpha, double beta, double tau, double warmup, bool standardise) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "dkd",
        Compares = "logits, the label's class and the other classes apart",
        Source = "Zhao et al., CVPR 2022, arXiv 2203.08679; megvii-research/mdistiller, DKD.py; standardise: Sun et al., CVPR 2024",
        Weight = 1,
        TeacherLogits = true,
        Arguments =
        [
            LossArgument.Number("alpha", 1, "weight of the label's class; 9 with standardise"),
            LossArgument.Number("beta", 8, "weight of the other classes (0.5 for vision transformers in cls_KD); 72 with standardise"),
            LossArgument.Temperature(4, "temperature (1 for vision transformers in cls_KD); 2 with standardise"),
            LossArgument.Number("warmup", 20, "epochs over which the term rises to its weight; 0 for none"),
            LossArgument.Switch(LossKind.Standardise, false, "each image's logits to mean 0 and deviation 1 first"),
        ],
        Standardised = new Dictionary<string, string> { ["alpha"] = "9", ["beta"] = "72", ["tau"] = "2" },
        Make = (settings, _) => new DecoupledTerm(
            settings.Number("alpha"), settings.Number("beta"), settings.Number("tau"), settings.Number("warmup"), settings.Switch(LossKind.Standardise)),
    };

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        var (own, other) = (inputs.Logits, inputs.RequireTeacherLogits(Kind.Name));
        (own, other) = standardise ? (StandardLogits.Of(own), StandardLogits.Of(other)) : (own, other);
        var (target, rest) = Parts(own, other, inputs.Targets(), tau);
        var rise = warmup == 0 ? 1 : Math.Min((inputs.Epoch + 1) / warmup, 1);
        return target.Times(alpha * rise).Plus(rest.Times(beta * rise)).MoveToOuterDisposeScope();
    }

    /// <summary>The label's part and the other classes' part, each times tau², mean over the batch; without their weights.</summary>
    /// <param name="student">Logits <c>[B, K]</c>, with gradients.</param>
    /// <param name="teacher">Logits <c>[B, K]</c>.</param>
    /// <param name="targets">Class indices, int64 <c>[B]</c>.</param>
    /// <param name="tau">Temperature.</param>
    public static (Tensor Target, Tensor Others) Parts(Tensor student, Tensor teacher, Tensor targets, double tau)
    {
        var (own, other) = (new Split(student.Over(tau), targets), new Split(teacher.Over(tau), targets));
        var scale = tau * tau / student.shape[0];
        var target = (other.Target.exp() * (other.Target - own.Target)).Plus(other.Rest.exp() * (other.Rest - own.Rest));
        var rest = other.Others.exp() * (other.Others - own.Others);
        return (target.sum().Times(scale), rest.sum().Times(scale));
    }

    /// <summary>Logarithms of the label's probability, of all others' together, and of each other one among the others (about -1000 at the label).</summary>
    internal sealed class Split
    {
        public Split(Tensor logits, Tensor targets)
        {
            var masked = logits - nn.functional.one_hot(targets, logits.shape[1]).to(logits.dtype).Times(1000);
            var (all, others) = (logits.logsumexp(1, keepdim: true), masked.logsumexp(1, keepdim: true));
            Target = logits.gather(1, targets.unsqueeze(1)) - all; // (B, 1)
            Rest = others - all;                                   // (B, 1)
            Others = masked - others;                              // (B, K)
        }

        public Tensor Target { get; }

        public Tensor Rest { get; }

        public Tensor Others { get; }
    }
}

/// <summary>
/// NKD, ViTKD's partner: cross entropy of the label's class weighed by the teacher's sureness, and of the other classes among themselves, times gamma tau².
/// </summary>
internal sealed class NormalisedTerm(double gamma, double tau) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "nkd",
        Compares = "logits, the other classes normalised among themselves",
        Source = "Yang et al., ICCV 2023, arXiv 2303.13005; yzd-v/cls_KD, nkd.py",
        Weight = 1,
        TeacherLogits = true,
        Arguments =
        [
            LossArgument.Number("gamma", 1.5, "weight of the other classes (1 in the DeiT configuration)"),
            LossArgument.Temperature(1, "temperature of the other classes"),
        ],
        Make = (settings, _) => new NormalisedTerm(settings.Number("gamma"), settings.Number("tau")),
    };

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        var (target, rest) = Parts(inputs.Logits, inputs.RequireTeacherLogits(Kind.Name), inputs.Targets(), tau);
        return target.Plus(rest.Times(gamma)).MoveToOuterDisposeScope();
    }

    /// <summary>The label's part, and the other classes' part times tau² without gamma; means over the batch.</summary>
    public static (Tensor Target, Tensor Others) Parts(Tensor student, Tensor teacher, Tensor targets, double tau)
    {
        var sureness = new DecoupledTerm.Split(teacher, targets).Target.exp().detach();
        var target = (sureness * new DecoupledTerm.Split(student, targets).Target).mean().Times(-1);
        var (own, other) = (new DecoupledTerm.Split(student.Over(tau), targets).Others, new DecoupledTerm.Split(teacher.Over(tau), targets).Others);
        return (target, (other.exp().detach() * own).sum(1).mean().Times(-tau * tau));
    }
}
