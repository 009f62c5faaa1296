namespace SpectralKD.Distillation;

/// <summary>
/// Haar-L1: one level of the orthonormal Haar transform, mean absolute difference of its three detail bands. A plain wavelet control of this library; it is not
/// FreeKD, which weighs three levels by prompts learnt on the teacher.
/// </summary>
internal sealed class HaarTerm : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "haar",
        Compares = "details of feature maps: the three high bands of a Haar transform (it is not FreeKD)",
        Source = "this library's own definition",
        Weight = 0.2,
        WeighsByFamily = true,
        Rule = LayerRule.EndPoints,
        Fits = pair => TermFit.SameGrid(pair) ?? (pair.Student.Height % 2 == 0 && pair.Student.Width % 2 == 0 ? null : "height and width must be even"),
        Make = (_, _) => new HaarTerm(),
    };

    public override Tensor Of(TermInputs inputs) => inputs.MeanOverPairs(Layer);

    /// <summary>Of one pair, <c>[B, C, H, W]</c> with even H and W.</summary>
    public static Tensor Layer(Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var (own, other) = TermMath.Narrowed(student, teacher);
        return TermMath.Mean([.. Bands(own - other).Select(band => band.abs().mean())]).MoveToOuterDisposeScope(); // the transform is linear
    }

    // Of each 2 x 2 block [a b; c d]: (a-b+c-d)/2, (a+b-c-d)/2, (a-b-c+d)/2.
    private static Tensor[] Bands(Tensor map)
    {
        var (batch, channels, height, width) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        var blocks = map.reshape(batch, channels, height / 2, 2, width / 2, 2);
        var (top, bottom) = (blocks.select(3, 0), blocks.select(3, 1)); // (B, C, H/2, W/2, 2)
        var (a, b, c, d) = (top.select(4, 0), top.select(4, 1), bottom.select(4, 0), bottom.select(4, 1));
        var (upper, lower, upperStep, lowerStep) = (a.Plus(b), c.Plus(d), a - b, c - d);
        return [upperStep.Plus(lowerStep).Over(2), (upper - lower).Over(2), (upperStep - lowerStep).Over(2)];
    }
}

/// <summary>
/// Attention transfer: where a map is strong, its mean square over the channels, normalised for each image; mean squared difference, summed over the layers. Of two
/// grids the finer is averaged to the coarser.
/// </summary>
internal sealed class AttentionTerm : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "at",
        Compares = "where feature maps are strong (mean square over channels), any widths and grids",
        Source = "Zagoruyko and Komodakis, ICLR 2017, arXiv 1612.03928; szagoruyko/attention-transfer, utils.py",
        Weight = 1000,
        Rule = LayerRule.EndPoints,
        Make = (_, _) => new AttentionTerm(),
    };

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        return TermMath.Sum(inputs.Pairs().Select(pair => Layer(pair.Student, pair.Teacher))).MoveToOuterDisposeScope();
    }

    /// <summary>Of one pair, <c>[B, C, H, W]</c>, without the weight.</summary>
    public static Tensor Layer(Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (Math.Min(student.shape[2], teacher.shape[2]), Math.Min(student.shape[3], teacher.shape[3]));
        return (Attention(student, height, width) - Attention(teacher, height, width)).Squared().mean().MoveToOuterDisposeScope();
    }

    // (B, H*W), each row of length 1.
    private static Tensor Attention(Tensor map, long height, long width)
    {
        var pooled = (map.shape[2], map.shape[3]) == (height, width) ? map : nn.functional.adaptive_avg_pool2d(map, [height, width]);
        return TermMath.UnitRows(pooled.Squared().mean([1]).flatten(1));
    }
}

/// <summary>
/// Linear CKA over the batch: <c>1 - |HKH · HLH| / (|HKH| |HLH|)</c> with K and L the inner products of flattened maps, centred. A loss of this library's own
/// definition; the RCKA code (IJCAI 2024) leaves the centring out.
/// </summary>
internal sealed class KernelAlignmentTerm : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "cka",
        Compares = "how alike the images of a batch are to each other (linear CKA), any widths and grids",
        Source = "this library's own definition, after Kornblith et al., ICML 2019, arXiv 1905.00414",
        Weight = 1,
        Rule = LayerRule.EndPoints,
        Make = (_, _) => new KernelAlignmentTerm(),
    };

    public override Tensor Of(TermInputs inputs) => inputs.MeanOverPairs(Layer);

    /// <summary>Of one pair of maps with the batch first.</summary>
    public static Tensor Layer(Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var (own, other) = (Kernel(student), Kernel(teacher));
        var alike = (own * other).sum() / (Norm(own) * Norm(other));
        return alike.Minus(1).Times(-1).MoveToOuterDisposeScope();
    }

    // Centring the rows centres the kernel on both sides, (B, B).
    private static Tensor Kernel(Tensor map)
    {
        var rows = map.flatten(1);
        var centred = rows - rows.mean([0], keepdim: true);
        return centred.mm(centred.t());
    }

    private static Tensor Norm(Tensor kernel) => kernel.Squared().sum().sqrt().AtLeast(1e-12);
}
