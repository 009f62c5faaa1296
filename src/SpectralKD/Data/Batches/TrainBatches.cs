using System.Runtime.CompilerServices;

namespace SpectralKD.Data;

/// <summary>Reads shuffled, augmented batches for training, decoding ahead on other threads.</summary>
internal static class TrainBatches
{
    private const int Attempts = 32;

    /// <summary>
    /// One epoch. Batch k depends only on the source, the options and (seed, epoch, k), not on the number of workers nor on where the reading
    /// began: each image draws from its own generator, addressed by (seed, epoch, image, repeat); with views by epoch modulo views. An image that cannot be read is replaced by
    /// the next one that can, and reported.
    /// </summary>
    /// <param name="source">The images.</param>
    /// <param name="preprocessing">The model's preprocessing.</param>
    /// <param name="imageSize">The model's image size in pixels.</param>
    /// <param name="epoch">Which epoch, from 0.</param>
    /// <param name="options">Batch size, seed, augmentation and so on.</param>
    /// <param name="skipped">Receives the images that could not be read.</param>
    /// <param name="secondSize">A second size in which every image is made too, of the same crop and variation (<see cref="ImageBatch.Second"/>); null for none.</param>
    /// <param name="cancellation">Stops reading: <see cref="OperationCanceledException"/>.</param>
    /// <returns>Full batches of float32 <c>[B, 3, H, W]</c>; the consumer disposes each.</returns>
    /// <exception cref="SpectralKDException">An option is out of range, or 32 neighbouring images cannot be read.</exception>
    public static IEnumerable<ImageBatch> Read(
        IImageSource source,
        Preprocessing preprocessing,
        ImageSize imageSize,
        int epoch,
        TrainBatchOptions options,
        SkippedImages? skipped = null,
        ImageSize? secondSize = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Check(source);
        LibTorch.EnsureLoaded();
        var transform = new TrainTransform(options.Augmentation, preprocessing, imageSize);
        var second = secondSize is { } other ? new TrainTransform(options.Augmentation, preprocessing, other, view: imageSize) : null;
        var draw = options.Views is { } views ? epoch % views : epoch;
        return Assemble(new Loader(source, transform, second, options.Seed, draw, skipped ?? new SkippedImages()), epoch, options, cancellation);
    }

    private static IEnumerable<ImageBatch> Assemble(Loader loader, int epoch, TrainBatchOptions options, CancellationToken cancellation)
    {
        var batches = options.BatchesPerEpoch(loader.Source.Count);
        var visits = EpochOrder.Of(loader.Source.Count, options.Augmentation.Repeats, options.Seed, loader.Draw)[..(batches * options.BatchSize)];
        var wanted = (epoch == loader.Draw ? visits : EpochOrder.Again(visits, options.Seed, epoch)).Skip(options.FirstBatch * options.BatchSize);
        var assembly = new BatchAssembly(loader.Source, loader.Transform.ImageSize, options.BatchSize, loader.Second?.ImageSize);
        foreach (var (index, values) in OrderedReadAhead.Run(
            wanted, visit => loader.Load(visit, assembly.Rent()), options.Workers, options.ReadAhead, cancellation))
        {
            if (assembly.Add(index, values))
            {
                yield return assembly.Take();
            }
        }
    }

    private sealed record Loader(IImageSource Source, TrainTransform Transform, TrainTransform? Second, int Seed, int Draw, SkippedImages Skipped)
    {
        public (int Index, float[] Values) Load(EpochOrder.Visit visit, float[] values)
        {
            SpectralKDException? failure = null;
            for (var attempt = 0; attempt < Math.Min(Attempts, Source.Count); attempt++)
            {
                var index = (visit.Index + attempt) % Source.Count;
                using var room = DecodingRoom.Enter();
                if (TryFill(values, index, new CounterRandom(Seed, Draw, visit.Index, visit.Repeat), ref failure))
                {
                    return (index, values);
                }
            }

            throw new SpectralKDException(FormattableString.Invariant(
                $"{Attempts} images in a row cannot be read from {Source.Name}; the first: {failure!.Message}"), failure);
        }

        // A method of its own: its frame holds the decoded image, which can be collected when the room is given back.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private bool TryFill(float[] values, int index, CounterRandom random, ref SpectralKDException? failure)
        {
            RgbImage image;
            try
            {
                image = Source.Read(index);
            }
            catch (SpectralKDException error)
            {
                failure ??= error;
                Skipped.Add(new SkippedImage(index, Source.ItemName(index), error.Message));
                return false;
            }

            Transform.Apply(image, values.AsSpan(0, Transform.Length), random);
            Second?.Apply(image, values.AsSpan(Transform.Length), random);
            return true;
        }
    }
}

/// <summary>How training batches are made.</summary>
internal sealed record TrainBatchOptions
{
    /// <summary>Images in a batch, at least 1. Images that do not fill a last batch are left out of the epoch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Decoding threads, at least 1. The batches do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Seed of order and augmentation.</summary>
    public int Seed { get; init; }

    /// <summary>How images are varied.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Number of different draws of the augmentation: epoch e shows the images of epoch e mod Views, in another order. Null draws anew in each epoch.</summary>
    public int? Views { get; init; }

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
                $"batch size, workers and repeats must be at least 1 and the first batch at least 0, but are {BatchSize}, {Workers}, ")
                + FormattableString.Invariant($"{Augmentation.Repeats} and {FirstBatch}"));
        }

        if (BatchesPerEpoch(source.Count) == 0)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{source.Name} has {source.Count} images, fewer than one batch of {BatchSize}; take a smaller batch or more images"));
        }
    }
}

/// <summary>In which order an epoch visits the images: a new permutation for each epoch, the same for the same seed.</summary>
internal static class EpochOrder
{
    private const int Round = 256; // the epoch of DeiT's repeated augmentation is a multiple of it

    /// <summary>One place in an epoch.</summary>
    /// <param name="Index">The image.</param>
    /// <param name="Repeat">How often the image has come before in this epoch.</param>
    public readonly record struct Visit(int Index, int Repeat);

    /// <summary>
    /// The visits of one epoch. With repeats, each drawn image comes that often in a row and the epoch keeps its length (rounded down to a
    /// multiple of 256 where it has as many), so that it sees only part of the images (timm's RepeatAugSampler on one process).
    /// </summary>
    public static Visit[] Of(int count, int repeats, long seed, long epoch)
    {
        var permutation = Enumerable.Range(0, count).ToArray();
        new CounterRandom(seed, epoch, -1).Shuffle(permutation.AsSpan());
        var length = Length(count, repeats);
        return [.. Enumerable.Range(0, length).Select(place => new Visit(permutation[place / repeats], place % repeats))];
    }

    /// <summary>The visits of an earlier epoch in the order of a later one; the repeats of an image stay together.</summary>
    public static IEnumerable<Visit> Again(IEnumerable<Visit> visits, long seed, long epoch)
    {
        var images = visits.GroupBy(visit => visit.Index).ToArray();
        new CounterRandom(seed, epoch, -1).Shuffle(images.AsSpan());
        return images.SelectMany(image => image);
    }

    /// <summary>Number of visits of an epoch.</summary>
    public static int Length(int count, int repeats) => repeats == 1 || count < Round ? count : count / Round * Round;
}
