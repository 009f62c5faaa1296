using System.Runtime.CompilerServices;
using SpectralKD.Data.Augmentations;
using SpectralKD.Native;

namespace SpectralKD.Data;

/// <summary>Reads shuffled, augmented batches for training, decoding ahead on other threads.</summary>
public static class TrainBatches
{
    private const int Attempts = 32;

    /// <summary>
    /// One epoch. Batch k depends only on the source, the options and (seed, epoch, k), not on the number of workers nor on where the reading
    /// began: each image draws from its own generator, addressed by (seed, epoch, image, repeat). An image that cannot be read is replaced by
    /// the next one that can, and reported.
    /// </summary>
    /// <param name="source">The images.</param>
    /// <param name="preprocessing">The model's preprocessing.</param>
    /// <param name="imageSize">The model's image size S in pixels.</param>
    /// <param name="epoch">Which epoch, from 0.</param>
    /// <param name="options">Batch size, seed, augmentation and so on.</param>
    /// <param name="skipped">Receives the images that could not be read.</param>
    /// <param name="cancellation">Stops reading: <see cref="OperationCanceledException"/>.</param>
    /// <returns>Full batches of float32 <c>[B, 3, S, S]</c>; the consumer disposes each.</returns>
    /// <exception cref="SpectralKDException">An option is out of range, or 32 neighbouring images cannot be read.</exception>
    public static IEnumerable<ImageBatch> Read(
        IImageSource source,
        Preprocessing preprocessing,
        int imageSize,
        int epoch,
        TrainBatchOptions options,
        SkippedImages? skipped = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        options.Check(source);
        LibTorch.EnsureLoaded();
        var transform = new TrainTransform(options.Augmentation, preprocessing, imageSize);
        return Assemble(new Loader(source, transform, options.Seed, epoch, skipped ?? new SkippedImages()), options, cancellation);
    }

    private static IEnumerable<ImageBatch> Assemble(Loader loader, TrainBatchOptions options, CancellationToken cancellation)
    {
        var visits = EpochOrder.Of(loader.Source.Count, options.Augmentation.Repeats, options.Seed, loader.Epoch);
        var batches = options.BatchesPerEpoch(loader.Source.Count);
        var wanted = visits.Take(batches * options.BatchSize).Skip(options.FirstBatch * options.BatchSize);
        var assembly = new BatchAssembly(loader.Source, loader.Transform.ImageSize, options.BatchSize);
        foreach (var (index, values) in OrderedReadAhead.Run(
            wanted, visit => loader.Load(visit, assembly.Rent()), options.Workers, options.ReadAhead, cancellation))
        {
            if (assembly.Add(index, values))
            {
                yield return assembly.Take();
            }
        }
    }

    private sealed record Loader(IImageSource Source, TrainTransform Transform, int Seed, int Epoch, SkippedImages Skipped)
    {
        public (int Index, float[] Values) Load(EpochOrder.Visit visit, float[] values)
        {
            SpectralKDException? failure = null;
            for (var attempt = 0; attempt < Math.Min(Attempts, Source.Count); attempt++)
            {
                var index = (visit.Index + attempt) % Source.Count;
                using var room = DecodingRoom.Enter();
                if (TryFill(values, index, new CounterRandom(Seed, Epoch, visit.Index, visit.Repeat), ref failure))
                {
                    return (index, values);
                }
            }

            throw new SpectralKDException(FormattableString.Invariant(
                $"{Attempts} images in a row cannot be read from {Source.Name}. The first: {failure!.Message}"), failure);
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

            Transform.Apply(image, values, random);
            return true;
        }
    }
}
