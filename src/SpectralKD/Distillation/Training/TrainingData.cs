namespace SpectralKD.Distillation;

/// <summary>
/// Images for training and validation. The same epoch gives the same batches whenever it is read, whatever was read before: resuming a run
/// relies on it.
/// </summary>
public interface ITrainingData
{
    /// <summary>Where the images come from, in words.</summary>
    string Name { get; }

    /// <summary>Class names; a label is an index into them.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>Size of the images as the batches hold them, in pixels.</summary>
    ImageSize ImageSize { get; }

    /// <summary>Size in which the batches hold the same views for the teacher too (<see cref="TrainingBatch.TeacherImages"/>); null where it sees the student's.</summary>
    ImageSize? TeacherImageSize => null;

    /// <summary>What a user should know about the images read so far, such as unreadable ones; one line each.</summary>
    IReadOnlyList<string> Warnings => [];

    /// <summary>Number of full training batches in an epoch.</summary>
    /// <param name="batchSize">Images in a batch.</param>
    int BatchesPerEpoch(int batchSize);

    /// <summary>Reads one epoch's full batches in order.</summary>
    /// <param name="epoch">0-based.</param>
    /// <param name="batchSize">Images in a batch.</param>
    /// <param name="firstBatch">Batches to pass over, to resume in the middle of an epoch.</param>
    /// <returns>Batches; the consumer disposes each.</returns>
    IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch);

    /// <summary>Reads the validation images in a fixed order; the last batch may be smaller. Empty where there are none.</summary>
    /// <param name="batchSize">Images in a batch.</param>
    /// <returns>Batches; the consumer disposes each.</returns>
    IEnumerable<TrainingBatch> Validation(int batchSize);

    /// <summary>One batch by which a run's spectra are followed: always the same images, of all classes alike where the source knows how.</summary>
    /// <param name="images">Number of images, at least 1; fewer where there are not as many.</param>
    /// <returns>One batch, or none; the consumer disposes it.</returns>
    IEnumerable<TrainingBatch> Probe(int images) => Validation(images).Concat(Train(0, images, 0)).Take(1);
}

/// <summary>Images with labels. Owns its tensors, which belong to no dispose scope.</summary>
public sealed class TrainingBatch : IDisposable
{
    /// <summary>Takes over its tensors.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, H, W]</c>.</param>
    /// <param name="labels">Class indices int64 <c>[B]</c>, or probabilities float <c>[B, K]</c>.</param>
    /// <param name="teacherImages">The same views in the teacher's size, by its mean and deviation, float <c>[B, 3, H', W']</c>; null where the teacher sees <paramref name="images"/>.</param>
    public TrainingBatch(Tensor images, Tensor labels, Tensor? teacherImages = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        (Images, Labels, TeacherImages) = (images.DetachFromDisposeScope(), labels.DetachFromDisposeScope(), teacherImages?.DetachFromDisposeScope());
    }

    /// <summary>Normalised images, float <c>[B, 3, H, W]</c>.</summary>
    public Tensor Images { get; }

    /// <summary>Class indices int64 <c>[B]</c>, or probabilities float <c>[B, K]</c>.</summary>
    public Tensor Labels { get; }

    /// <summary>What the teacher sees where it takes another size, mean or deviation: the same views, float <c>[B, 3, H', W']</c>; else null.</summary>
    public Tensor? TeacherImages { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
        TeacherImages?.Dispose();
    }
}

/// <summary>Training data from image sources: shuffled and augmented for training, timm's evaluation transform for validation.</summary>
public sealed class ImageTrainingData : ITrainingData
{
    private readonly DataSplit _split;
    private readonly Preprocessing _preprocessing;
    private readonly RecipeData _settings;
    private readonly Augmentation _augmentation;
    private readonly int _seed;
    private Func<Tensor, Tensor>? _forTeacher;

    /// <summary>Puts sources and settings together.</summary>
    /// <param name="split">Images to train on and to validate with.</param>
    /// <param name="preprocessing">The student's preprocessing; in a run the teacher sees the same images, by its own mean and standard deviation.</param>
    /// <param name="imageSize">Size of the student's input in pixels.</param>
    /// <param name="settings">Augmentation, workers, image cache; its names of sources are not looked at. Null for the defaults.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="teacherImageSize">Size in which the teacher sees the same crops, resized from the same pixels; null where it takes the student's.</param>
    /// <exception cref="SpectralKDException">
    /// There is no such augmentation, training and validation images differ in their classes, or the image cache cannot be made.
    /// </exception>
    public ImageTrainingData(DataSplit split, Preprocessing preprocessing, ImageSize imageSize, RecipeData? settings = null, int seed = 0, ImageSize? teacherImageSize = null)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(preprocessing);
        (_preprocessing, ImageSize, _settings, _seed) = (preprocessing, imageSize, settings ?? new RecipeData(), seed);
        TeacherImageSize = teacherImageSize == imageSize ? null : teacherImageSize;
        _augmentation = Augmentation.Parse(_settings.Augmentation);
        split.WithEqualClasses();
        _split = _settings.ImageCache is { } folder ? Decoded(split, folder) : split;
    }

    /// <inheritdoc/>
    public string Name => _split.Train.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => _split.Train.Classes;

    /// <inheritdoc/>
    public ImageSize ImageSize { get; }

    /// <inheritdoc/>
    public ImageSize? TeacherImageSize { get; }

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
    /// <param name="imageSize">Size of the student's input in pixels.</param>
    /// <exception cref="SpectralKDException">A source cannot be opened.</exception>
    public static ImageTrainingData Open(DistillationRecipe recipe, Preprocessing preprocessing, ImageSize imageSize)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var data = recipe.Data;
        var split = DataSplit.Open(
            data.Train, data.Validation, data.Count, data.ValidationCount, data.Size ?? imageSize.Longer, data.Classes, data.ValidationShare, data.Seed,
            data.HoldOut, data.ValidationSeed);
        return new ImageTrainingData(split, preprocessing, imageSize, data, recipe.Seed, recipe.HasTeacher ? recipe.TeacherImageSize : null);
    }

    /// <summary>The same images, whose batches hold them for a teacher of another mean and standard deviation too, as that teacher was trained.</summary>
    internal ImageTrainingData For(VisionModel? teacher)
    {
        if (teacher is null || _preprocessing.NormalizesAs(teacher.Spec.Preprocessing))
        {
            return this;
        }

        var copy = (ImageTrainingData)MemberwiseClone();
        copy._forTeacher = images => _preprocessing.Renormalized(images, teacher.Spec.Preprocessing);
        return copy;
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch(int batchSize) => Options(batchSize, 0).BatchesPerEpoch(_split.Train.Count);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Train(int epoch, int batchSize, int firstBatch) =>
        TrainBatches.Read(_split.Train, _preprocessing, ImageSize, epoch, Options(batchSize, firstBatch), Skipped, secondSize: TeacherImageSize).Select(Taken);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Validation(int batchSize) => _split.Validation.Count == 0 ? [] : Read(_split.Validation, batchSize);

    /// <inheritdoc/>
    public IEnumerable<TrainingBatch> Probe(int images)
    {
        // Folders lie class by class, so the first images would be of one class.
        var source = _split.Validation.Count > 0 ? _split.Validation : _split.Train;
        var probe = new SubsetImageSource(source, ClassBalance.Draw(source, Enumerable.Range(0, source.Count), images, _settings.Seed));
        return TeacherImageSize is not { } size ? Read(probe, images) : Read(probe, images).Zip(Read(probe, images, size), (own, teachers) =>
        {
            teachers.Labels.Dispose();
            own.TeacherImages?.Dispose();
            teachers.TeacherImages?.Dispose();
            return Batch(own.Images, own.Labels, teachers.Images);
        });
    }

    // What is only resized and cut is kept at the length of that resize; random crops are drawn from the whole image, and two sizes are made from it.
    private DataSplit Decoded(DataSplit split, string folder)
    {
        var resize = TeacherImageSize is null ? _preprocessing.ResizeTo(ImageSize) : (ImageResize?)null;
        return split with
        {
            Train = ImageCache.Open(split.Train, folder, _augmentation.Crop == CropKind.Evaluation ? resize : null),
            Validation = split.Validation.Count == 0 ? split.Validation : ImageCache.Open(split.Validation, folder, resize),
        };
    }

    private IEnumerable<TrainingBatch> Read(IImageSource source, int batchSize, ImageSize? size = null) =>
        ImageBatches.Read(source, _preprocessing, size ?? ImageSize, new BatchOptions { BatchSize = batchSize, Workers = Workers }, Skipped).Select(Taken);

    private int Workers => _settings.Workers ?? new BatchOptions().Workers;

    private TrainBatchOptions Options(int batchSize, int firstBatch) => new()
    {
        BatchSize = batchSize,
        Workers = Workers,
        Seed = _seed,
        Augmentation = _augmentation,
        Views = _settings.Views,
        FirstBatch = firstBatch,
    };

    // The images change their owner; the batch owns nothing else.
    private TrainingBatch Taken(ImageBatch batch) => Batch(batch.Images, tensor(batch.Labels, [batch.Labels.Length]), batch.Second);

    private TrainingBatch Batch(Tensor images, Tensor labels, Tensor? second)
    {
        if (_forTeacher is null)
        {
            return new TrainingBatch(images, labels, second);
        }

        var shown = _forTeacher(second ?? images);
        second?.Dispose();
        return new TrainingBatch(images, labels, shown);
    }
}
