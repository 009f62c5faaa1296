namespace SpectralKD.Data;

/// <summary>How training batches are made.</summary>
public sealed record TrainBatchOptions
{
    /// <summary>Images in a batch, at least 1. Images that do not fill a last batch are left out of the epoch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Decoding threads, at least 1. The batches do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Seed of order and augmentation.</summary>
    public int Seed { get; init; }

    /// <summary>How images are varied.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Batches of the epoch to pass over without decoding them, to resume in the middle.</summary>
    public int FirstBatch { get; init; }

    /// <summary>Batches in an epoch over so many images.</summary>
    /// <param name="images">Number of images in the source.</param>
    public int BatchesPerEpoch(int images) => EpochOrder.Length(images, Augmentation.Repeats) / BatchSize;

    internal int ReadAhead => Math.Max(2 * BatchSize, 2 * Workers);

    /// <summary>Checks the numbers against a source.</summary>
    internal void Check(IImageSource source)
    {
        if (BatchSize < 1 || Workers < 1 || FirstBatch < 0 || Augmentation.Repeats < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"Batch size, workers and repeats must be at least 1 and the first batch at least 0, but are {BatchSize}, {Workers}, ")
                + FormattableString.Invariant($"{Augmentation.Repeats} and {FirstBatch}."));
        }

        if (BatchesPerEpoch(source.Count) == 0)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{source.Name} has {source.Count} images, fewer than one batch of {BatchSize}; take a smaller batch or more images."));
        }
    }
}
