namespace SpectralKD.Benchmarks;

/// <summary>Whole training steps: a nano DeiT from a nano CaiT, soft labels and the paper's eight layer pairs, with both forms of the loss.</summary>
internal static class TrainingBenchmark
{
    private const int Steps = 4;
    private const int Batch = 64;

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        using var student = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        using var teacher = ModelLoader.Load("cait_nano_patch4_32", new() { Weights = "seeded:1" });
        var data = new NoiseData(student.Spec.ImageSize.Height, Steps);
        var floor = Floor.Step(student.Spec, teacher.Spec, Batch, CPU);
        yield return Interleaved.Run(
            $"Training of {student.Spec.Name} from {teacher.Spec.Name}, batches of {Batch}",
            arguments.Rounds,
            "steps",
            Steps,
            Interleaved.Here("soft labels alone, no alignment", () => Train(Recipe(AlignmentForm.ClosedForm) with { Align = false }), floor),
            Interleaved.Here("with alignment, rfft2 form", () => Train(Recipe(AlignmentForm.Fft)), floor),
            Interleaved.Here("with alignment, closed form", () => Train(Recipe(AlignmentForm.ClosedForm)), floor));

        void Train(DistillationRecipe recipe) => Distiller.RunAsync(student, teacher, data, recipe).GetAwaiter().GetResult();
    }

    private static DistillationRecipe Recipe(AlignmentForm form) => new()
    {
        Student = "deit_nano_patch4_32",
        Teacher = "cait_nano_patch4_32",
        Loss = new LossWeights { Form = form },
        Epochs = 1,
        Batch = Batch,
        Device = "cpu",
        EmaDecay = 0.99,
    };
}
