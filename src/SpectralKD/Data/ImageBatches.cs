using System.Runtime.CompilerServices;
using SpectralKD.Native;

namespace SpectralKD.Data;

/// <summary>Reads images into normalised batches, decoding ahead on other threads.</summary>
public static class ImageBatches
{
    /// <summary>
    /// Reads images through the evaluation transform. Order and content do not depend on the number of workers; at most about two batches are
    /// decoded ahead. Images that cannot be read are left out, and the following ones fill the batch.
    /// </summary>
    /// <param name="source">The images.</param>
    /// <param name="preprocessing">The model's preprocessing.</param>
    /// <param name="imageSize">The model's image size S in pixels.</param>
    /// <param name="options">Batch size, workers, selection.</param>
    /// <param name="skipped">Receives the images that could not be read.</param>
    /// <param name="cancellation">Stops reading: <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches of float32 <c>[B, 3, S, S]</c>; the consumer disposes each.</returns>
    /// <exception cref="SpectralKDException">An option is out of range, or not one image could be read.</exception>
    public static IEnumerable<ImageBatch> Read(
        IImageSource source,
        Preprocessing preprocessing,
        int imageSize,
        BatchOptions? options = null,
        SkippedImages? skipped = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var settings = options ?? new BatchOptions();
        var transform = new EvalTransform(preprocessing, imageSize);
        var indices = settings.Resolve(source);
        LibTorch.EnsureLoaded();
        return Assemble(source, transform, indices, settings, skipped ?? new SkippedImages(), cancellation);
    }

    private static IEnumerable<ImageBatch> Assemble(
        IImageSource source,
        EvalTransform transform,
        int[] indices,
        BatchOptions options,
        SkippedImages skipped,
        CancellationToken cancellation)
    {
        var assembly = new BatchAssembly(source, transform.ImageSize, options.BatchSize);
        SpectralKDException? failure = null;
        var read = 0;
        foreach (var (index, values, error) in OrderedReadAhead.Run(
            indices, index => Load(source, transform, assembly, index), options.Workers, options.ReadAhead, cancellation))
        {
            if (values is null)
            {
                failure ??= error;
                skipped.Add(new SkippedImage(index, source.ItemName(index), error!.Message));
                continue;
            }

            read++;
            if (assembly.Add(index, values))
            {
                yield return assembly.Take();
            }
        }

        if (read == 0 && failure is not null)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"None of the {indices.Length} images of {source.Name} could be read. The first: {failure.Message}"), failure);
        }

        if (assembly.Count > 0)
        {
            yield return assembly.Take();
        }
    }

    private static (int Index, float[]? Values, SpectralKDException? Error) Load(
        IImageSource source, EvalTransform transform, BatchAssembly assembly, int index)
    {
        var values = assembly.Rent();
        using var room = DecodingRoom.Enter();
        try
        {
            Fill(source, transform, index, values);
            return (index, values, null);
        }
        catch (SpectralKDException error)
        {
            assembly.Return(values);
            return (index, null, error);
        }
    }
    // A method of its own: its frame holds the decoded image, which can be collected when the room is given back.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill(IImageSource source, EvalTransform transform, int index, float[] values) =>
        transform.Apply(source.Read(index), values);
}
