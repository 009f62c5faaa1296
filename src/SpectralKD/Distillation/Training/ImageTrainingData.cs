using SpectralKD.Data;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>Training data from image sources: shuffled and augmented for training, timm's evaluation transform for validation.</summary>
public sealed class ImageTrainingData : ITrainingData
{
    private readonly DataSplit _split;
    private readonly Preprocessing _preprocessing;
    private readonly RecipeData _settings;
    private readonly Augmentation _augmentation;
    private readonly int _seed;

    /// <summary>Puts sources and settings together.</summary>
    /// <param name="split">Images to train on and to validate with.</param>
    /// <param name="preprocessing">The student's preprocessing; the teacher sees the same images.</param>
    /// <param name="imageSize">Side of the models' input in pixels.</param>
    /// <param name="settings">Augmentation and workers; its names of sources are not looked at. Null for the defaults.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <exception cref="SpectralKDException">There is no such augmentation, or training and validation images differ in their classes.</exception>
    public ImageTrainingData(DataSplit split, Preprocessing preprocessing, int imageSize, RecipeData? settings = null, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(preprocessing);
        (_split, _preprocessing, ImageSize, _settings, _seed) = (split, preprocessing, imageSize, settings ?? new RecipeData(), seed);
        _augmentation = Augmentation.Parse(_settings.Augmentation);
        split.WithEqualClasses();
    }

    /// <inheritdoc/>
    public string Name => _split.Train.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => _split.Train.Classes;

    /// <inheritdoc/>
    public int ImageSize { get; }

    internal DataSplit Split => _split;

    internal Preprocessing Preprocessing => _preprocessing;

    internal RecipeData Settings => _settings;

    internal int Seed => _seed;

    /// <summary>Images that could not be read so far, without repetitions.</summary>
    public SkippedImages Skipped { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<string> Warnings => [.. Listed, .. Unreadable];

    // Both parts may come from one listing, which then says the same twice.
    private IEnumerable<string> Listed =>
        _split.Train.Notes.Select(note => $"{_split.Train.Name}: {note}").Union(_split.Validation.Notes.Select(note => $"{_split.Validation.Name}: {note}"));

    private IReadOnlyList<string> Unreadable => Skipped.Items is [var first, ..]
        ? [FormattableString.Invariant($"{Skipped.Count} images of {Name} cannot be read and others take their places; the first: {first.Reason}")]
        : [];

    /// <summary>Opens the images of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="preprocessing">The student's preprocessing.</param>
    /// <param name="imageSize">Side of the models' input in pixels.</param>
    /// <exception cref="SpectralKDException">A source cannot be opened.</exception>
    public static ImageTrainingData Open(DistillationRecipe recipe, Preprocessing preprocessing, int imageSize)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var data = recipe.Data;
        var split = DataSplit.Open(
            data.Train, data.Validation, data.Count, data.ValidationCount, data.Size ?? imageSize, data.Classes, data.ValidationShare, data.Seed,
            data.HoldOut, data.ValidationSeed);
        return new ImageTrainingData(split, preprocessing, imageSize, data, recipe.Seed);
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch(int batchSize) => Options(batchSize, 0).BatchesPerEpoch(_split.Train.Count);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch) =>
        TrainBatches.Read(_split.Train, _preprocessing, ImageSize, epoch, Options(batchSize, firstBatch), Skipped).Select(Taken);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Validation(int batchSize) => _split.Validation.Count == 0 ? [] : Read(_split.Validation, batchSize);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Probe(int images)
    {
        // Folders lie class by class, so the first images would be of one class.
        var source = _split.Validation.Count > 0 ? _split.Validation : _split.Train;
        return Read(new SubsetImageSource(source, ClassBalance.Draw(source, Enumerable.Range(0, source.Count), images, _settings.Seed)), images);
    }

    private IEnumerable<TrainingBatch> Read(IImageSource source, int batchSize) =>
        ImageBatches.Read(source, _preprocessing, ImageSize, new BatchOptions { BatchSize = batchSize, Workers = Workers }, Skipped).Select(Taken);

    private int Workers => _settings.Workers ?? new BatchOptions().Workers;

    private TrainBatchOptions Options(int batchSize, int firstBatch) => new()
    {
        BatchSize = batchSize,
        Workers = Workers,
        Seed = _seed,
        Augmentation = _augmentation,
        FirstBatch = firstBatch,
    };

    // The images change their owner; the batch owns nothing else.
    private static TrainingBatch Taken(ImageBatch batch) => new(batch.Images, tensor(batch.Labels, [batch.Labels.Length]));
}
