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
        using var data = new StoredData(student.Spec.ImageSize, Steps, batch);
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
                Interleaved.Here("the teacher in every step", () => Train(recipe)),
                Interleaved.Here("read from the cache", () => Train(recipe with { CacheTeacher = folder })),
                Interleaved.Here("read from the cache, half precision, 20 logits", () => Train(recipe with { CacheTeacher = folder, CacheHalf = true, CacheTop = 20 })));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Train(DistillationRecipe recipe) => Distiller.RunAsync(student, teacher, data, recipe).GetAwaiter().GetResult();
    }

    // The same batches whenever they are asked for.
    private sealed class StoredData(int size, int batches, int batch) : ITrainingData, IDisposable
    {
        private readonly (Tensor Images, Tensor Labels)[] _batches =
            [.. Enumerable.Range(0, batches).Select(_ => (randn([batch, 3, size, size]), randint(0, 10, [batch], ScalarType.Int64)))];

        public string Name => "noise";

        public IReadOnlyList<string> Classes { get; } = [.. Enumerable.Range(0, 10).Select(index => $"class {index}")];

        public int ImageSize => size;

        public int BatchesPerEpoch(int batchSize) => batches;

        public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch) =>
            _batches.Skip(firstBatch).Select(stored => new TrainingBatch(stored.Images.clone(), stored.Labels.clone()));

        public IEnumerable<TrainingBatch> Validation(int batchSize) => [];

        public void Dispose() => Array.ForEach(_batches, stored =>
        {
            stored.Images.Dispose();
            stored.Labels.Dispose();
        });
    }
}
