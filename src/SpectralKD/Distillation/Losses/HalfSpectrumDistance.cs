using SpectralKD.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

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
    /// a linear function halves the time against letting autograd derive it. Second derivatives are not supported.
    /// </remarks>
    public static Tensor ClosedForm(Tensor student, Tensor teacher)
    {
        var (value, gradient, scale) = ValueAndGradient(student, teacher);
        if (!student.requires_grad && !teacher.requires_grad)
        {
            return value;
        }

        var variable = teacher.requires_grad ? student - teacher : student;
        var linear = variable.reshape(-1).dot(gradient).Times(scale);
        return value.Plus(linear - linear.detach());
    }

    // The value, and its gradient by the difference of the maps but for a factor.
    private static (Tensor Value, Tensor Gradient, double Scale) ValueAndGradient(Tensor student, Tensor teacher)
    {
        using var guard = no_grad();
        var (height, width) = (student.shape[2], student.shape[3]);
        var rows = (student - teacher).reshape(-1, width); // (B C H, W)
        var columns = EdgeColumns(width, rows);
        var edges = rows.mm(columns); // (B C H, 1 or 2)
        var (flat, flatEdges) = (rows.reshape(-1), edges.reshape(-1));
        var scale = 0.5 / (2.0 * (rows.shape[0] / height) * height * ((width / 2) + 1));
        var value = flat.dot(flat).Plus(flatEdges.dot(flatEdges)).Times(scale);
        return (value, rows.addmm_(edges, columns.t()).reshape(-1), 2 * scale);
    }

    private static Tensor Spectrum(Tensor map) => view_as_real(fft.rfft2(map, norm: FFTNormType.Ortho));

    // The spectrum's unpaired columns, 1 and (-1)^w over sqrt(W): (W, 1 or 2).
    private static Tensor EdgeColumns(long width, Tensor like)
    {
        var count = width % 2 == 0 ? 2 : 1;
        var columns = new double[width * count];
        for (long w = 0; w < width; w++)
        {
            columns[w * count] = 1 / Math.Sqrt(width);
            if (count == 2)
            {
                columns[(w * count) + 1] = (w % 2 == 0 ? 1 : -1) / Math.Sqrt(width);
            }
        }

        return tensor(columns, [width, count], dtype: like.dtype, device: like.device);
    }
}
