using SpectralKD.Tests.Models;

namespace SpectralKD.Tests.Distillation;

/// <summary>A run that takes milliseconds a step: four blocks of 24 channels on 16 x 16 pixels, images from a formula.</summary>
internal static class SmallRun
{
    public const int Side = 16;

    public static DistillationRecipe Recipe { get; } = new()
    {
        Student = "vit",
        Teacher = "cait",
        StudentLayers = [0, 3],
        TeacherLayers = [0, 3],
        Epochs = 3,
        Batch = 4,
        LearningRate = 1e-3,
        EmaDecay = 0.9,
        DropPathRate = 0.2,
        WarmupEpochs = 1,
        Device = "cpu",
        ProbeImages = 4,
        Seed = 5,
    };

    public static VisionModel Student(double dropPath = 0.2, int seed = 1) => ModelCatalog.Create(
        new VisionTransformerSpec { Name = "vit", ImageSize = Side, PatchSize = 4, EmbedDim = 24, Depth = 4, Heads = 3, Classes = 4, DropPathRate = dropPath }, seed);

    public static VisionModel Teacher(int seed = 2)
    {
        var model = ModelCatalog.Create(
            new CaitSpec { Name = "cait", ImageSize = Side, PatchSize = 4, EmbedDim = 32, Depth = 4, Heads = 4, ClassDepth = 1, Classes = 4 }, seed);
        model.eval();
        return model;
    }

    public static Task<DistillationRun> RunAsync(
        VisionModel student,
        DistillationRecipe? recipe = null,
        string? folder = null,
        bool resume = false,
        IProgress<TrainingProgress>? progress = null,
        ITrainingData? data = null,
        CancellationToken stop = default) => WithTeacher(teacher =>
            Distiller.RunAsync(student, teacher, data ?? new FormulaData(), recipe ?? Recipe, folder, resume, progress, stop));

    public static Dictionary<string, float[]> Values(VisionModel model) =>
        model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.data<float>().ToArray());

    private static async Task<DistillationRun> WithTeacher(Func<VisionModel, Task<DistillationRun>> run)
    {
        using var teacher = Teacher();
        return await run(teacher);
    }
}

/// <summary>Stops a run when it has done so many steps.</summary>
internal sealed class StopAfter(int steps, CancellationTokenSource stop) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.TotalSteps == steps)
        {
            stop.Cancel();
        }
    }
}

/// <summary>Images of four classes from the golden generator, shuffled anew in each epoch.</summary>
internal sealed class FormulaData(int train = 20, int validation = 10, bool broken = false, bool brokenValidation = false) : ITrainingData
{
    public string Name => "formula";

    public IReadOnlyList<string> Classes { get; } = ["a", "b", "c", "d"];

    public ImageSize ImageSize => SmallRun.Side;

    public int BatchesPerEpoch(int batchSize) => train / batchSize;

    public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch)
    {
        var order = Enumerable.Range(0, train).ToArray();
        new CounterRandom(7, epoch).Shuffle(order.AsSpan());
        return Enumerable.Range(firstBatch, BatchesPerEpoch(batchSize) - firstBatch)
            .Select(batch => Batch([.. order.Skip(batch * batchSize).Take(batchSize)], broken && epoch == 1 && batch == 2));
    }

    public IEnumerable<TrainingBatch> Validation(int batchSize) =>
        Enumerable.Range(0, validation).Chunk(batchSize).Select(indices => Batch([.. indices.Select(index => index + train)], brokenValidation));

    private static TrainingBatch Batch(int[] indices, bool broken)
    {
        var values = indices.SelectMany(index => GoldenValues.Generate($"image.{index}", 3 * SmallRun.Side * SmallRun.Side, 2, (index % 4) - 1.5)).ToArray();
        values[0] = broken ? float.NaN : values[0];
        return new TrainingBatch(
            tensor(values, [indices.Length, 3, SmallRun.Side, SmallRun.Side]), tensor(indices.Select(index => (long)(index % 4)).ToArray()));
    }
}
