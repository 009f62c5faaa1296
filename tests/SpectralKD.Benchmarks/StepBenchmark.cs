
namespace SpectralKD.Benchmarks;

/// <summary>A training step at full size against the sum of its bare parts: the teacher's forward, the student's forward and backward, the optimiser.</summary>
internal static class StepBenchmark
{
    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        yield return Measure(arguments, "deit_tiny_patch16_224", "cait_xxs24_224", 8, [0, 1, 6, 7, 8, 9, 10, 11], [0, 1, 18, 19, 20, 21, 22, 23]);
        yield return Measure(arguments, "swin_tiny_patch4_window7_224", "swin_small_patch4_window7_224", 4, [0, 1, 2, 3], [0, 1, 2, 3]);
    }

    private static Table Measure(BenchmarkArguments arguments, string studentName, string teacherName, int batch, int[] studentLayers, int[] teacherLayers)
    {
        using var student = ModelLoader.Load(studentName, new() { Weights = "seeded", Device = arguments.Device });
        using var teacher = ModelLoader.Load(teacherName, new() { Weights = "seeded:1", Device = arguments.Device });
        student.train();
        teacher.eval();
        foreach (var parameter in teacher.parameters())
        {
            parameter.requires_grad = false;
        }

        using var images = randn([batch, 3, student.Spec.ImageSize.Height, student.Spec.ImageSize.Height], device: arguments.Device);
        using var labels = randint(0, student.Spec.Classes, [batch], ScalarType.Int64, device: arguments.Device);
        using var optimizer = new StudentOptimizer(student, new AdamWSettings());
        using var average = new ExponentialMovingAverage(optimizer.Parameters, 0.9999);
        using var loss = new StepLoss(LossPlan.Of(new LossWeights(), student, studentLayers, teacher, teacherLayers), student, teacher);
        var step = new TrainingStep(student, teacher, loss, optimizer, average);

        var floor = Floor.Step(student.Spec, teacher.Spec, batch, arguments.Device);

        Variant[] variants =
        [
            Interleaved.Here("bare parts", Parts, floor),
            Interleaved.Here("the step, with logits, alignment and average", () => step.Run([(images, labels, null)], 1e-4), floor),
        ];
        if (arguments.FoundPeer?.Variant("step", "--model", studentName, "--teacher", teacherName, "--batch", $"{batch}", "--count", $"{batch}", "--device", arguments.Device.ToString()) is { } peer
            && !studentName.StartsWith("swin", StringComparison.Ordinal)) // whose stages are aligned, not its blocks
        {
            variants = [.. variants, peer];
        }

        return Interleaved.Run($"Step of {studentName} from {teacherName}, batches of {batch}", arguments.Rounds, "steps", 1, variants);

        void Parts()
        {
            using var scope = NewDisposeScope();
            optimizer.Clear();
            using (no_grad())
            {
                teacher.ForwardIntermediates(images, teacherLayers);
            }

            nn.functional.cross_entropy(student.ForwardIntermediates(images, studentLayers).Logits, labels).backward();
            optimizer.Collect();
            optimizer.Step(1e-4);
        }
    }
}
