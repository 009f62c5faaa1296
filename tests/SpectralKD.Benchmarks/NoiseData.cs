
namespace SpectralKD.Benchmarks;

/// <summary>Training images of noise, made when they are asked for: what is timed is the step, not a decoder.</summary>
internal sealed class NoiseData(int size, int batches) : ITrainingData
{
    public string Name => "noise";

    public IReadOnlyList<string> Classes { get; } = [.. Enumerable.Range(0, 10).Select(index => $"class {index}")];

    public int ImageSize => size;

    public int BatchesPerEpoch(int batchSize) => batches;

    public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch)
        => Enumerable.Range(firstBatch, batches - firstBatch).Select(_ => Batch(batchSize));

    public IEnumerable<TrainingBatch> Validation(int batchSize) => [];

    private TrainingBatch Batch(int images) => new(randn([images, 3, size, size]), randint(0, 10, [images], ScalarType.Int64));
}
