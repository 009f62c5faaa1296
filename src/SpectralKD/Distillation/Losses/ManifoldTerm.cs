namespace SpectralKD.Distillation;

/// <summary>
/// Manifold KD: how alike tokens are to each other, of one image (patch), at one place of all images (sample), and of some drawn from the whole batch (rand). Tokens
/// are scaled to length 1, so that widths may differ; the class token is none of them.
/// </summary>
internal sealed class ManifoldTerm(double sample, double patch, double rand, int count) : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "manifold",
        Compares = "similarities between tokens, within images and between them, any widths",
        Source = "Hao et al., NeurIPS 2022, arXiv 2107.01378; Hao840/manifold-distillation, losses.py (its command: labels weight 0, kd weight 1)",
        Weight = 1,
        Rule = new LayerRule("the recipe's, else the first 4 and last 4", new LayerSelection { First = 4, Last = 4 }, true),
        Fits = TermFit.SameGrid,
        Arguments =
        [
            LossArgument.Number("sample", 0.1, "weight of similarities between images at one place"),
            LossArgument.Number("patch", 4, "weight of similarities within an image"),
            LossArgument.Number("rand", 0.2, "weight of similarities between tokens drawn at random"),
            LossArgument.Number("tokens", 192, "tokens drawn in each step, fewer where the batch has fewer", 2, whole: true),
        ],
        Make = (settings, _) => new ManifoldTerm(settings.Number("sample"), settings.Number("patch"), settings.Number("rand"), (int)settings.Number("tokens")),
    };

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        var random = inputs.Random();
        var layers = new List<Tensor>();
        foreach (var (student, teacher) in inputs.Pairs())
        {
            var (samples, patches, drawn) = Parts(TermMath.Tokens(student), TermMath.Tokens(teacher), Draw(ref random, student.shape[0] * student.shape[2] * student.shape[3]));
            layers.Add(samples.Times(sample).Plus(patches.Times(patch)).Plus(drawn.Times(rand)));
        }

        return TermMath.Mean(layers).MoveToOuterDisposeScope();
    }

    /// <summary>The three parts of one pair, without their weights.</summary>
    /// <param name="student">Tokens <c>[B, N, Cs]</c>, with gradients.</param>
    /// <param name="teacher">Tokens <c>[B, N, Ct]</c>.</param>
    /// <param name="drawn">Numbers of tokens among all B N, image by image.</param>
    public static (Tensor Sample, Tensor Patch, Tensor Rand) Parts(Tensor student, Tensor teacher, long[] drawn)
    {
        var (own, other) = (TermMath.UnitRows(student), TermMath.UnitRows(teacher));
        var indices = tensor(drawn, device: student.device);
        return (Distance(own.transpose(0, 1), other.transpose(0, 1)), Distance(own, other), Distance(Drawn(own), Drawn(other)));
        Tensor Drawn(Tensor tokens) => tokens.flatten(0, 1).index_select(0, indices).unsqueeze(0); // (1, K, C)
    }

    // Mean squared difference of the similarities of [G, M, C], over G x M x M.
    private static Tensor Distance(Tensor own, Tensor other) => (other.bmm(other.transpose(1, 2)) - own.bmm(own.transpose(1, 2))).Squared().mean();

    private long[] Draw(ref CounterRandom random, long all)
    {
        var tokens = Enumerable.Range(0, (int)all).Select(token => (long)token).ToArray();
        random.Shuffle(tokens.AsSpan());
        return tokens[..(int)Math.Min(count, all)];
    }
}
