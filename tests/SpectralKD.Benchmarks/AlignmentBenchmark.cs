
namespace SpectralKD.Benchmarks;

/// <summary>The alignment loss and its gradient for one layer pair: the reference's rfft2 form against the closed form.</summary>
internal static class AlignmentBenchmark
{
    private const int Calls = 3;

    public static IEnumerable<Table> Run(BenchmarkArguments arguments) =>
    [
        Measure(arguments, [64, 192, 14, 14], [64, 192, 14, 14]),
        Measure(arguments, [64, 192, 14, 14], [64, 384, 14, 14]),
    ];

    private static Table Measure(BenchmarkArguments arguments, long[] studentShape, long[] teacherShape)
    {
        manual_seed(1);
        using var student = randn(studentShape).requires_grad_();
        using var teacher = randn(teacherShape);
        return Interleaved.Run(
            $"Alignment loss, forward and backward, student [{string.Join(", ", studentShape)}], teacher [{string.Join(", ", teacherShape)}]",
            arguments.Rounds,
            "pairs",
            Calls,
            Interleaved.Here("rfft2, as the reference", () => Step(student, teacher, AlignmentForm.Fft)),
            Interleaved.Here("closed form", () => Step(student, teacher, AlignmentForm.ClosedForm)));
    }

    private static void Step(Tensor student, Tensor teacher, AlignmentForm form)
    {
        for (var call = 0; call < Calls; call++)
        {
            using var scope = NewDisposeScope();
            using var loss = AlignmentLoss.Layer(student, teacher, form);
            loss.backward();
            student.grad = null;
        }
    }
}
