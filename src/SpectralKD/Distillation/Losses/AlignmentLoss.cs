using TorchSharp;

namespace SpectralKD.Distillation;

/// <summary>How the distance between a student's and a teacher's feature maps is computed.</summary>
public enum AlignmentForm
{
    /// <summary>
    /// SpectralKD's frequency alignment without an FFT, by Parseval's theorem on the half spectrum: the same value and gradient as
    /// <see cref="Fft"/> to rounding, five to eight times as fast on a CPU.
    /// </summary>
    ClosedForm,

    /// <summary>SpectralKD's frequency alignment as its reference computes it: two <c>rfft2</c> and a mean squared error.</summary>
    Fft,

    /// <summary>The baseline: mean squared error of the maps themselves, without any transform.</summary>
    Spatial,
}

/// <summary>
/// SpectralKD's alignment loss: the mean squared distance of student and teacher feature maps in the frequency domain, averaged over
/// layer pairs (arXiv 2412.19055; reference <c>losses.py</c>, <c>fft_loss</c> and <c>layer_fft_loss</c>).
/// </summary>
public static class AlignmentLoss
{
    /// <summary>Mean of <see cref="Layer"/> over pairs of maps; the longer list's rest is not looked at, as in the reference.</summary>
    /// <param name="student">Feature maps <c>[B, Cs, H, W]</c>, with gradients.</param>
    /// <param name="teacher">Feature maps <c>[B, Ct, H, W]</c>, the n-th to be met by the student's n-th.</param>
    /// <param name="form">How the distance is computed.</param>
    /// <returns>A float scalar, 0 or more, that belongs to the caller's dispose scope.</returns>
    /// <exception cref="SpectralKDException">There is no pair, or a pair cannot be aligned; the message names both shapes.</exception>
    public static Tensor Of(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, AlignmentForm form = AlignmentForm.ClosedForm)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(teacher);
        var pairs = Math.Min(student.Count, teacher.Count);
        if (pairs == 0)
        {
            throw new SpectralKDException(
                $"there is no layer pair to align: {student.Count} student maps and {teacher.Count} teacher maps were given; give at least one of each");
        }

        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var sum = Layer(student[0], teacher[0], form);
        for (var pair = 1; pair < pairs; pair++)
        {
            sum = sum.Plus(Layer(student[pair], teacher[pair], form));
        }

        return sum.Over(pairs).MoveToOuterDisposeScope();
    }

    /// <summary>Distance of one pair of maps. A wider teacher is averaged over channels; one teacher channel meets all of the student's.</summary>
    /// <param name="student">Feature map <c>[B, Cs, H, W]</c>, with gradients.</param>
    /// <param name="teacher">Feature map <c>[B, Ct, H, W]</c> with Ct at least Cs, or 1.</param>
    /// <param name="form">How the distance is computed.</param>
    /// <returns>A float scalar, 0 or more: for the two frequency forms the mean over real and imaginary parts of the half spectrum.</returns>
    /// <exception cref="SpectralKDException">The student is wider, or batch, height or width differ.</exception>
    public static Tensor Layer(Tensor student, Tensor teacher, AlignmentForm form = AlignmentForm.ClosedForm)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(teacher);
        AlignmentShapes.Check(student.shape, teacher.shape);
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var (own, other) = (RealPrecision(student), ChannelPooling.To(student.shape[1], RealPrecision(teacher)));
        var loss = form switch
        {
            AlignmentForm.ClosedForm => HalfSpectrumDistance.ClosedForm(own, other),
            AlignmentForm.Fft => HalfSpectrumDistance.Transformed(own, other),
            AlignmentForm.Spatial => (own - other).Squared().mean(),
            _ => throw new SpectralKDException($"there is no alignment form {form}; the forms are {string.Join(", ", Enum.GetNames<AlignmentForm>())}"),
        };
        return loss.MoveToOuterDisposeScope();
    }

    // The reference computes the loss in float32 whatever the models' precision (`.float()`); float64 is kept for checks.
    internal static Tensor RealPrecision(Tensor map) => map.dtype is ScalarType.Float32 or ScalarType.Float64 ? map : map.to(ScalarType.Float32);
}

/// <summary>Says whether two feature maps can be aligned, in words that name both shapes and what fits instead.</summary>
internal static class AlignmentShapes
{
    /// <summary>Fails unless a student's map can be aligned with a teacher's.</summary>
    /// <param name="student">Shape <c>[B, Cs, H, W]</c>.</param>
    /// <param name="teacher">Shape <c>[B, Ct, H, W]</c>.</param>
    public static void Check(IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (Problem(student, teacher) is { } problem)
        {
            throw new SpectralKDException(
                $"the student's map {TensorInfo.Text(student)} cannot be aligned with the teacher's {TensorInfo.Text(teacher)}: {problem}");
        }
    }

    /// <summary>What keeps two maps from being aligned; null if nothing does.</summary>
    private static string? Problem(IReadOnlyList<long> student, IReadOnlyList<long> teacher)
    {
        if (student.Count != 4 || teacher.Count != 4 || student.Concat(teacher).Any(size => size < 1))
        {
            return "both must be [B, C, H, W] with at least one element";
        }

        if (student[0] != teacher[0])
        {
            return $"the batches hold {student[0]} and {teacher[0]} images; run both models on the same batch";
        }

        if (student[2] != teacher[2] || student[3] != teacher[3])
        {
            return $"their grids are {student[2]} x {student[3]} and {teacher[2]} x {teacher[3]}; take blocks with equal height and width";
        }

        return student[1] > teacher[1] && teacher[1] != 1
            ? $"the student is wider ({student[1]} channels against {teacher[1]}), and only a teacher's channels are averaged; "
                + "take a teacher with at least as many channels"
            : null;
    }
}

/// <summary>
/// Averages a teacher's channels down to the student's number as <c>adaptive_avg_pool3d(x, (Cs, None, None))</c> does: channel k averages
/// teacher channels floor(k Ct / Cs) up to ceil((k + 1) Ct / Cs) - 1. Bins overlap where Ct is no multiple of Cs.
/// </summary>
internal static class ChannelPooling
{
    /// <summary>The map with <paramref name="channels"/> channels; the map itself where it has no more than these.</summary>
    /// <param name="channels">Cs, at least 1.</param>
    /// <param name="map">Feature map <c>[B, Ct, H, W]</c>, float32 or float64.</param>
    public static Tensor To(long channels, Tensor map)
    {
        var (batch, own, height, width) = (map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
        if (own <= channels)
        {
            return map;
        }

        if (own % channels == 0)
        {
            // The mean as a sum of slices, which lie in rows: torch's reduction over a short inner dimension takes several times as long.
            var bins = Bins(map, channels);
            return Add(bins.select(2, 0).Plus(bins.select(2, 1)), bins, 2, 1).Over(bins.shape[2]).reshape(batch, channels, height, width); // (B, Cs, H, W)
        }

        var weights = tensor(Weights(channels, own), [1, channels, own], dtype: map.dtype, device: map.device).expand(batch, channels, own);
        return weights.bmm(map.reshape(batch, own, height * width)).reshape(batch, channels, height, width);
    }

    /// <summary>
    /// The student's map less the teacher's with as many channels, <c>[B, Cs, H, W]</c> in the student's layout. Where the teacher's are means of whole bins, these are not written
    /// down for it.
    /// </summary>
    public static Tensor Difference(Tensor student, Tensor teacher)
    {
        var channels = student.shape[1];
        if (teacher.shape[1] <= channels || teacher.shape[1] % channels != 0)
        {
            return student - To(channels, teacher);
        }

        var bins = teacher.unflatten(1, channels, teacher.shape[1] / channels); // (B, Cs, Ct / Cs, H, W)
        var share = -1.0 / bins.shape[2];
        return Add(student.Plus(bins.select(2, 0), share), bins, 1, share);
    }

    // (B, Cs, Ct / Cs, H*W)
    private static Tensor Bins(Tensor map, long channels) => map.reshape(map.shape[0], channels, map.shape[1] / channels, map.shape[2] * map.shape[3]);

    private static Tensor Add(Tensor sum, Tensor bins, long first, double factor)
    {
        for (var slice = first; slice < bins.shape[2]; slice++)
        {
            sum = sum.AddInPlace(bins.select(2, slice), factor);
        }

        return sum;
    }

    // Row k holds 1 / (bin's size) at the bin's channels, (Cs, Ct).
    private static double[] Weights(long channels, long own)
    {
        var weights = new double[channels * own];
        for (long k = 0; k < channels; k++)
        {
            var (first, end) = (k * own / channels, (((k + 1) * own) + channels - 1) / channels);
            Array.Fill(weights, 1.0 / (end - first), (int)((k * own) + first), (int)(end - first));
        }

        return weights;
    }
}

/// <summary>
/// Mean squared distance of two maps over the real and imaginary parts of their half spectra (<c>rfft2</c>, ortho,
/// H x (W / 2 + 1), mirrored columns not counted twice). Both maps are real, of the same shape but for a teacher with one channel.
/// </summary>
internal static class HalfSpectrumDistance
{
    /// <summary>As the reference computes it: two transforms, then the mean squared error.</summary>
    public static Tensor Transformed(Tensor student, Tensor teacher)
    {
        var difference = Spectrum(student) - Spectrum(teacher); // (B, C, H, W/2+1, 2)
        return difference.Squared().mean();
    }

    /// <summary>
    /// The same without a transform. With D the difference of the maps, Parseval's theorem gives for all columns of the full spectrum sum D².
    /// Every column but the first (and, for even W, the last) of the half spectrum stands for two of the full one, so that
    /// <c>half = (sum D² + E_0 + E_N) / 2</c>, E_0 = sum_h (sum_w D)² / W and E_N = sum_h (sum_w (-1)^w D)² / W for even W, else 0.
    /// </summary>
    /// <remarks>
    /// The gradient is known in closed form too: that of sum D² + |D M|² is 2 (D + D M M^T), M the two edge columns. Handing it to autograd as the slope of
    /// a linear function halves the time against letting autograd derive it. Second derivatives are not supported. One product gives both: with
    /// G = D (1 + M M^T) the value is the sum of D G.
    /// </remarks>
    /// <param name="student">Feature map <c>[B, Cs, H, W]</c>.</param>
    /// <param name="teacher">Feature map <c>[B, Ct, H, W]</c>, averaged here where it is wider.</param>
    public static Tensor ClosedForm(Tensor student, Tensor teacher)
    {
        var (value, gradient, byToken, scale) = ValueAndGradient(student, teacher);
        if (!student.requires_grad && !teacher.requires_grad)
        {
            return value;
        }

        var variable = teacher.requires_grad ? student - ChannelPooling.To(student.shape[1], teacher) : student;
        var linear = (byToken ? ByToken(variable) : variable).reshape(-1).dot(gradient).Times(scale);
        return value.Plus(linear - linear.detach());
    }

    // The value, and its gradient by the difference of the maps but for a factor: flat, channels last (by token) where a transformer's tokens lie so in memory.
    private static (Tensor Value, Tensor Gradient, bool ByToken, double Scale) ValueAndGradient(Tensor student, Tensor teacher)
    {
        using var guard = no_grad();
        var width = student.shape[3];
        var scale = 0.5 * width / (2.0 * student.NumberOfElements * ((width / 2) + 1));
        if (HalfSpectrumPass.Takes(student, teacher))
        {
            var (sum, inOnePass) = HalfSpectrumPass.Of(student, teacher, get_num_threads());
            return (tensor(scale * sum, dtype: student.dtype), inOnePass, HalfSpectrumPass.IsByToken(student), 2 * scale);
        }

        var difference = ChannelPooling.Difference(student, teacher);
        var byToken = HalfSpectrumPass.IsByToken(difference);
        var (rows, gradient) = byToken ? OfTokens(ByToken(difference)) : OfRows(difference.reshape(-1, width)); // (B C H, W)
        return (rows.reshape(-1).dot(gradient).Times(scale), gradient, byToken, 2 * scale);
    }

    private static (Tensor Difference, Tensor Gradient) OfRows(Tensor rows) => (rows, rows.mm(WithEdges(rows.shape[1], rows)).reshape(-1));

    // M M^T is 2 / W between columns of one parity and 0 between others, for odd W 1 / W between all: a column gets the mean of those that it shares its parity with.
    private static (Tensor Difference, Tensor Gradient) OfTokens(Tensor difference)
    {
        var (width, channels) = (difference.shape[2], difference.shape[3]);
        var columns = width % 2 == 0 ? difference.reshape(-1, width / 2, 2 * channels) : difference.reshape(-1, width, channels); // (B H, columns, C of each parity)
        return (columns, columns.Plus(columns.mean([1], keepdim: true)).reshape(-1));
    }

    private static Tensor ByToken(Tensor map) => map.permute(0, 2, 3, 1); // (B, H, W, C)

    internal static Tensor Spectrum(Tensor map) => view_as_real(fft.rfft2(map, norm: FFTNormType.Ortho));

    // 1 + M M^T, M the spectrum's unpaired columns, 1 and (for even W) (-1)^w over sqrt(W): (W, W).
    private static Tensor WithEdges(long width, Tensor like)
    {
        var values = new double[width * width];
        for (long i = 0; i < values.Length; i++)
        {
            var (v, w) = (i / width, i % width);
            var alternating = width % 2 != 0 ? 0 : (v + w) % 2 == 0 ? 1 : -1;
            values[i] = (v == w ? 1 : 0) + ((1.0 + alternating) / width);
        }

        return tensor(values, [width, width], dtype: like.dtype, device: like.device);
    }
}
