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

    /// <summary>Side S of the images as the batches hold them, in pixels.</summary>
    int ImageSize { get; }

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
