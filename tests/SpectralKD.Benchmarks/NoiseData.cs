
namespace SpectralKD.Benchmarks;

/// <summary>
/// Training images of noise, made when they are asked for and the same whenever a batch is read, as resuming and caches want: what is timed is the step, not a decoder.
/// </summary>
internal sealed class NoiseData(int size, int batches) : ITrainingData
{
    public string Name => "noise";

    public IReadOnlyList<string> Classes { get; } = [.. Enumerable.Range(0, 10).Select(index => $"class {index}")];

    public ImageSize ImageSize => size;

    public int BatchesPerEpoch(int batchSize) => batches;

    public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch) => Enumerable.Range(firstBatch, batches - firstBatch).Select(number =>
    {
        using var generator = new Generator((ulong)((epoch * 100_000) + number));
        return new TrainingBatch(randn([batchSize, 3, size, size], generator: generator), randint(0, 10, [batchSize], ScalarType.Int64, generator: generator));
    });

    public IEnumerable<TrainingBatch> Validation(int batchSize) => [];
}
