using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

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
    private static Tensor RealPrecision(Tensor map) => map.dtype is ScalarType.Float32 or ScalarType.Float64 ? map : map.to(ScalarType.Float32);
}
