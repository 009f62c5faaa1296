namespace SpectralKD.Benchmarks;

/// <summary>Training steps DeiT-Tiny from CaiT-XXS24, soft labels and the paper's eight layer pairs: the teacher run in every step, and its answers read from disk.</summary>
internal static class TeacherCacheBenchmark
{
    private const int Steps = 12;

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        var batch = arguments.Batches[0];
        using var student = ModelLoader.Load("deit_tiny_patch16_224", new() { Weights = "seeded" });
        using var teacher = ModelLoader.Load("cait_xxs24_224", new() { Weights = "seeded:1" });
        var data = new NoiseData(student.Spec.ImageSize.Height, Steps);
        var folder = Directory.CreateTempSubdirectory("spectralkd-benchmark-").FullName;
        try
        {
            var recipe = new DistillationRecipe
            {
                Student = student.Spec.Name,
                Teacher = teacher.Spec.Name,
                Epochs = 1,
                Batch = batch,
                Device = "cpu",
                EmaDecay = 0.99,
                ProbeImages = 1,
            };
            yield return Interleaved.Run(
                $"Training of {student.Spec.Name} from {teacher.Spec.Name}, batches of {batch}; one batch of each run is computed and compared",
                arguments.Rounds,
                "steps",
                Steps,
                Interleaved.Here("the teacher in every step", () => Train(recipe), Floor.Step(student.Spec, teacher.Spec, batch, CPU)),
                Interleaved.Here("read from the cache", () => Train(recipe with { CacheTeacher = folder }), Floor.Step(student.Spec, null, batch, CPU)),
                Interleaved.Here("read from the cache, half precision, 20 logits", () => Train(recipe with { CacheTeacher = folder, CacheHalf = true, CacheTop = 20 }), Floor.Step(student.Spec, null, batch, CPU)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Train(DistillationRecipe recipe) => Distiller.RunAsync(student, teacher, data, recipe).GetAwaiter().GetResult();
    }
}
