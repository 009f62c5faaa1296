
namespace SpectralKD.Benchmarks;

/// <summary>The alignment loss and its gradient for one layer pair: the reference's rfft2 form against the closed form.</summary>
internal static class AlignmentBenchmark
{
    private const int Calls = 3;

    public static IEnumerable<Table> Run(BenchmarkArguments arguments) =>
    [
        Measure(arguments, 192, 192, byToken: false),
        Measure(arguments, 192, 384, byToken: false),
        Measure(arguments, 192, 384, byToken: true),
    ];

    // As convolutions leave maps, or as transformers do: views of tokens, channels last, behind a class token.
    private static Table Measure(BenchmarkArguments arguments, long studentChannels, long teacherChannels, bool byToken)
    {
        manual_seed(1);
        using var student = Values(studentChannels).requires_grad_();
        using var teacher = Values(teacherChannels);
        return Interleaved.Run(
            $"Alignment loss, forward and backward, student [64, {studentChannels}, 14, 14], teacher [64, {teacherChannels}, 14, 14]{(byToken ? ", views of tokens" : "")}",
            arguments.Rounds,
            "pairs",
            Calls,
            Interleaved.Here("rfft2, as the reference", () => Step(AlignmentForm.Fft)),
            Interleaved.Here("closed form", () => Step(AlignmentForm.ClosedForm)));

        Tensor Values(long channels) => byToken ? randn(64, 197, channels) : randn(64, channels, 14, 14);
        Tensor Map(Tensor values) => byToken ? values.narrow(1, 1, 196).transpose(1, 2).unflatten(2, 14, 14) : values;

        void Step(AlignmentForm form)
        {
            for (var call = 0; call < Calls; call++)
            {
                using var scope = NewDisposeScope();
                using var loss = AlignmentLoss.Layer(Map(student), Map(teacher), form);
                loss.backward();
                student.grad = null;
            }
        }
    }
}
