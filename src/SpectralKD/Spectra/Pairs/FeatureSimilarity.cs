namespace SpectralKD.Spectra;

/// <summary>
/// What two matrices with the same rows (images, or tokens) have in common: CKA, a linear fit, Procrustes, angles between subspaces. Rows of x and y belong together;
/// columns need not be as many. All in float64.
/// </summary>
internal static class FeatureSimilarity
{
    /// <summary>
    /// Linear CKA, <c>|Y'X|^2 / (|X'X| |Y'Y|)</c> of centred columns (Kornblith et al., ICML 2019): 1 for equal geometry, whatever rotation or scale. It is biased
    /// upwards where there are few rows; <see cref="HsicSums"/> is not.
    /// </summary>
    /// <param name="x"><c>[n, p]</c>.</param>
    /// <param name="y"><c>[n, q]</c>.</param>
    public static double Cka(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var (one, two) = (Centred(x), Centred(y));
        return Squares(Product(two, one)) / Math.Sqrt(Squares(Product(one, one)) * Squares(Product(two, two)));
    }

    /// <summary>
    /// Procrustes distance of the centred matrices, each scaled to length 1: what is left of the squared distance after the best rotation, <c>2 - 2 |X'Y|_nuclear / (|X| |Y|)</c>,
    /// from 0 to 2.
    /// </summary>
    public static double Procrustes(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        var (one, two) = (Centred(x), Centred(y));
        return 2 - (2 * linalg.svdvals(Product(one, two)).sum().item<double>() / Math.Sqrt(Squares(one) * Squares(two)));
    }

    /// <summary>Orthonormal basis <c>[n, k]</c> of the k directions over the rows in which centred x varies most (left singular vectors), in the caller's scope.</summary>
    public static Tensor Basis(Tensor x, int k)
    {
        using var scope = NewDisposeScope();
        var (left, _, _) = linalg.svd(Centred(x), fullMatrices: false);
        return left.narrow(1, 0, k).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Principal angles between two subspaces in radians, ascending (Bjorck and Golub 1973).</summary>
    /// <param name="one">Orthonormal columns <c>[n, k]</c>.</param>
    /// <param name="two">Orthonormal columns <c>[n, k]</c>.</param>
    public static double[] Angles(Tensor one, Tensor two)
    {
        using var scope = NewDisposeScope();
        return [.. linalg.svdvals(Product(one, two)).data<double>().ToArray().Select(cosine => Math.Acos(Math.Clamp(cosine, -1, 1)))];
    }

    /// <summary>Grassmann distance: the geodesic's length, root of the sum of squared angles, up to <c>sqrt(k) pi / 2</c>.</summary>
    public static double Grassmann(IEnumerable<double> angles) => Math.Sqrt(angles.Sum(angle => angle * angle));

    /// <summary>Each column without its mean, in the caller's scope.</summary>
    public static Tensor Centred(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x - x.mean([0], keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>Sum of squares.</summary>
    public static double Squares(Tensor x)
    {
        using var scope = NewDisposeScope();
        return x.Squared().sum().item<double>();
    }

    private static Tensor Product(Tensor left, Tensor right) => left.t().mm(right);
}

/// <summary>
/// Ridge regression with an intercept on one matrix, for any number of others: by singular values, so that channels that nearly depend on each other do no harm.
/// Its tensors are in the caller's scope.
/// </summary>
internal sealed class RidgeRegression
{
    private readonly Tensor _x;
    private readonly Tensor _mean;
    private readonly Tensor _solution; // (p, n): what y is multiplied by to give the weights

    /// <summary>Prepares for predicting from x.</summary>
    /// <param name="x"><c>[n, p]</c>.</param>
    /// <param name="lambda">Added to the diagonal of <c>X'X</c>, at least 0.</param>
    public RidgeRegression(Tensor x, double lambda)
    {
        using var scope = NewDisposeScope();
        (_x, _mean) = (FeatureSimilarity.Centred(x).MoveToOuterDisposeScope(), x.mean([0], keepdim: true).MoveToOuterDisposeScope());
        var (left, values, right) = linalg.svd(_x, fullMatrices: false);
        var shrunk = values / values.Squared().Plus(lambda).AtLeast(1e-300);
        _solution = (right.t() * shrunk).mm(left.t()).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// How much of y is explained, over all columns together: 1 - residual / total. Judged on rows that the fit has not seen where such are given; below 0 it then does worse
    /// than their mean.
    /// </summary>
    /// <param name="y"><c>[n, q]</c>.</param>
    /// <param name="unseen">Other rows of both; null judges the fit on its own.</param>
    public double R2(Tensor y, (Tensor X, Tensor Y)? unseen = null)
    {
        using var scope = NewDisposeScope();
        var centred = FeatureSimilarity.Centred(y);
        var (seen, wanted) = unseen is { } rows ? (rows.X - _mean, rows.Y - y.mean([0], keepdim: true)) : (_x, centred);
        return 1 - (FeatureSimilarity.Squares(wanted - seen.mm(_solution.mm(centred))) / FeatureSimilarity.Squares(FeatureSimilarity.Centred(wanted)));
    }

    /// <summary>What is predicted of other rows, <c>[m, q]</c> in the caller's scope.</summary>
    /// <param name="y">What was seen, <c>[n, q]</c>.</param>
    /// <param name="unseen">Other rows of x, <c>[m, p]</c>.</param>
    public Tensor Predict(Tensor y, Tensor unseen)
    {
        using var scope = NewDisposeScope();
        return (unseen - _mean).mm(_solution.mm(FeatureSimilarity.Centred(y))).Plus(y.mean([0], keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>The strength that is a part of the mean variance of the columns of x, whatever their scale.</summary>
    public static double Strength(Tensor x, double part)
    {
        using var scope = NewDisposeScope();
        return part * FeatureSimilarity.Squares(FeatureSimilarity.Centred(x)) / x.shape[1];
    }
}

/// <summary>
/// Unbiased linear CKA of all pairs of two lists of features, batch by batch (Nguyen, Raghu and Kornblith, ICLR 2021, equation 3): HSIC is summed over batches and the
/// ratio taken at the end. It keeps the HSIC of every batch, 8 bytes for each pair and each feature (some KB a batch), and adds up in the order of the batches' numbers,
/// so that the result does not depend on who computed which.
/// </summary>
/// <param name="first">Number of features on one side.</param>
/// <param name="second">Number of features on the other.</param>
internal sealed class HsicSums(int first, int second)
{
    /// <summary>The unbiased estimate needs this many rows.</summary>
    public const int Least = 4;

    /// <summary>By the batch's number: HSIC of the first features with themselves, of the second with themselves, then of the pairs, row by row.</summary>
    public SortedDictionary<int, double[]> Rows { get; } = [];

    /// <summary>Length of a row.</summary>
    public int Width => first + second + (first * second);

    /// <summary>Number of batches.</summary>
    public int Batches => Rows.Count;

    /// <summary>Adds rows that belong together, each side's features <c>[n, p]</c> in float64, n at least <see cref="Least"/>, to a batch.</summary>
    public void Add(int batch, IReadOnlyList<Tensor> one, IReadOnlyList<Tensor> two)
    {
        using var scope = NewDisposeScope();
        var (left, right) = (Grams(one), Grams(two));
        var n = (double)one[0].shape[0];
        double[] values = [.. Own(left, first), .. Own(right, second), .. Hsic(left, right, n)];
        if (!Rows.TryAdd(batch, values))
        {
            var row = Rows[batch];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] += values[i];
            }
        }

        IEnumerable<double> Own(Tensor grams, int count) => Enumerable.Range(0, count).Select(i => Hsic(grams.narrow(0, i, 1), grams.narrow(0, i, 1), n)[0]);
    }

    /// <summary>Adds other batches.</summary>
    public void Add(HsicSums other)
    {
        foreach (var (batch, row) in other.Rows)
        {
            Rows.Add(batch, row);
        }
    }

    /// <summary>CKA of a pair; null without a batch, or where a side does not vary. Being unbiased, it may fall below 0 for features that have nothing in common.</summary>
    public double? Cka(int one, int two) => Sums(one, two) is { One: > 0, Two: > 0 } sums ? sums.Both / Math.Sqrt(sums.One * sums.Two) : null;

    /// <summary>The means over the batches: HSIC of both features, of the first with itself, of the second with itself.</summary>
    public (double Both, double One, double Two) Means(int one, int two)
    {
        var sums = Sums(one, two);
        return (sums.Both / Batches, sums.One / Batches, sums.Two / Batches);
    }

    /// <summary>True where all sums are numbers.</summary>
    public bool IsFinite => Rows.Values.All(row => row.All(double.IsFinite));

    private (double Both, double One, double Two) Sums(int one, int two)
    {
        return (Sum(first + second + (one * second) + two), Sum(one), Sum(first + two));
        double Sum(int column) => Rows.Values.Sum(row => row[column]);
    }

    // Inner products of the rows with a zero diagonal, [features, n, n].
    private static Tensor Grams(IReadOnlyList<Tensor> features)
    {
        using var scope = NewDisposeScope();
        var n = features[0].shape[0];
        var others = ones_like(features[0].mm(features[0].t())) - eye(n, dtype: float64, device: features[0].device);
        return stack(features.Select(rows => rows.mm(rows.t()) * others)).MoveToOuterDisposeScope();
    }

    // [tr(KL) + 1'K1 1'L1 / ((n-1)(n-2)) - 2 / (n-2) 1'KL1] / (n (n-3)) of all pairs, row by row.
    private static double[] Hsic(Tensor left, Tensor right, double n)
    {
        using var scope = NewDisposeScope();
        var (k, l) = (left.sum(2), right.sum(2)); // (features, n)
        var trace = left.flatten(1).mm(right.flatten(1).t());
        var totals = k.sum(1, keepdim: true).mm(l.sum(1, keepdim: true).t());
        var value = trace.Plus(totals.Over((n - 1) * (n - 2))) - k.mm(l.t()).Times(2 / (n - 2));
        return value.Over(n * (n - 3)).data<double>().ToArray();
    }
}
