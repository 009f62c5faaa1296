using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
    /// <param name="imageSize">The model's image size in pixels.</param>
    /// <param name="options">Batch size, workers, selection.</param>
    /// <param name="skipped">Receives the images that could not be read.</param>
    /// <param name="cancellation">Stops reading: <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches of float32 <c>[B, 3, H, W]</c>; the consumer disposes each.</returns>
    /// <exception cref="SpectralKDException">An option is out of range, or not one image could be read.</exception>
    public static IEnumerable<ImageBatch> Read(
        IImageSource source,
        Preprocessing preprocessing,
        ImageSize imageSize,
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
        var (read, place) = (0, 0);
        foreach (var (index, values, error) in OrderedReadAhead.Run(
            indices, index => Load(source, transform, assembly, index), options.Workers, options.ReadAhead, cancellation))
        {
            place++;
            if (values is null)
            {
                failure ??= error;
                skipped.Add(new SkippedImage(index, source.ItemName(index), error!.Message));
            }
            else
            {
                read++;
                assembly.Add(index, values);
            }

            if (assembly.Count == options.BatchSize || (options.ByPlace && assembly.Count > 0 && place % options.BatchSize == 0))
            {
                yield return assembly.Take();
            }
        }

        if (read == 0 && failure is not null && !options.MayBeEmpty)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"none of the {indices.Length} images of {source.Name} could be read; the first: {failure.Message}"), failure);
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

/// <summary>How images are read into batches.</summary>
public sealed record BatchOptions
{
    /// <summary>Images in a batch, at least 1; the last batch may be smaller.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Decoding threads, at least 1. The batches do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Which images to read, in this order. Null reads all in the source's order.</summary>
    public IReadOnlyList<int>? Indices { get; init; }

    /// <summary>Which part of these images to read. Null reads all.</summary>
    public DataShard? Shard { get; init; }

    /// <summary>True where an image that cannot be read makes its own batch smaller, so that the following batches are the same as without it.</summary>
    internal bool ByPlace { get; init; }

    /// <summary>True where not one readable image is no error: what is left of a stopped analysis.</summary>
    internal bool MayBeEmpty { get; init; }

    /// <summary>Images that may be decoded before they are asked for: two batches, at least two for each worker.</summary>
    internal int ReadAhead => Math.Max(2 * BatchSize, 2 * Workers);

    /// <summary>The positions to read, in order.</summary>
    /// <exception cref="SpectralKDException">A number is out of range.</exception>
    internal int[] Resolve(IImageSource source)
    {
        if (BatchSize < 1 || Workers < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"batch size and workers must be at least 1, but are {BatchSize} and {Workers}"));
        }

        var all = Indices?.ToArray() ?? [.. Enumerable.Range(0, source.Count)];
        foreach (var index in all.Where(index => index < 0 || index >= source.Count))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"{source.Name} has {source.Count} images, so there is no image {index}"));
        }

        return Shard is null ? all : Shard.Of(all);
    }
}

/// <summary>Some images ready for a model, with their labels. Owns its tensor: dispose it after use.</summary>
public sealed class ImageBatch : IDisposable
{
    internal ImageBatch(Tensor images, long[] labels, int[] indices, Tensor? second = null) =>
        (Images, Labels, Indices, Second) = (images, labels, indices, second);

    /// <summary>Normalised images, float32 <c>[B, 3, H, W]</c> on the CPU. In no dispose scope: the batch owns it.</summary>
    public Tensor Images { get; }

    /// <summary>Labels, one for each image.</summary>
    public long[] Labels { get; }

    /// <summary>Positions of the images in their source.</summary>
    public int[] Indices { get; }

    /// <summary>Number of images B.</summary>
    public int Count => Indices.Length;

    /// <summary>The same views in a second size, where one was asked for. The batch owns it too.</summary>
    internal Tensor? Second { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Second?.Dispose();
    }
}

/// <summary>Images on their way into batches; their buffers are used again.</summary>
internal sealed class BatchAssembly(IImageSource source, ImageSize imageSize, int batchSize, ImageSize? second = null)
{
    private readonly ConcurrentBag<float[]> _buffers = [];
    private readonly List<int> _indices = [];
    private readonly List<float[]> _images = [];

    /// <summary>Number of images in the batch so far.</summary>
    public int Count => _indices.Count;

    /// <summary>A buffer for one image, <c>[3, H, W]</c>, and after it the one of the second size. Safe from several threads.</summary>
    public float[] Rent() => _buffers.TryTake(out var used) ? used : new float[Length(imageSize) + (second is { } size ? Length(size) : 0)];

    /// <summary>Gives a buffer back unused.</summary>
    public void Return(float[] buffer) => _buffers.Add(buffer);

    /// <summary>Adds an image; true if the batch is full.</summary>
    public bool Add(int index, float[] values)
    {
        _indices.Add(index);
        _images.Add(values);
        return Count == batchSize;
    }

    /// <summary>Makes the batch and begins a new one. Its tensor is in no dispose scope.</summary>
    public ImageBatch Take()
    {
        var batch = new ImageBatch(
            Gathered(imageSize, 0), [.. _indices.Select(index => (long)source.Label(index))], [.. _indices], second is { } size ? Gathered(size, Length(imageSize)) : null);
        _images.ForEach(_buffers.Add);
        _indices.Clear();
        _images.Clear();
        return batch;
    }

    private Tensor Gathered(ImageSize size, int begin)
    {
        var tensor = empty([Count, 3, size.Height, size.Width], dtype: ScalarType.Float32, device: CPU).DetachFromDisposeScope();
        var target = MemoryMarshal.Cast<byte, float>(tensor.bytes);
        for (var i = 0; i < Count; i++)
        {
            _images[i].AsSpan(begin, Length(size)).CopyTo(target[(i * Length(size))..]);
        }

        return tensor;
    }

    private static int Length(ImageSize size) => 3 * size.Height * size.Width;
}

/// <summary>An image that could not be read.</summary>
/// <param name="Index">Its position in the source.</param>
/// <param name="Name">Its name in the source.</param>
/// <param name="Reason">Why, in one line.</param>
public sealed record SkippedImage(int Index, string Name, string Reason);

/// <summary>Collects the images that were left out of batches because they could not be read. Safe from several threads.</summary>
public sealed class SkippedImages
{
    private const int Listed = 20;
    private readonly object _gate = new();
    private readonly SortedDictionary<int, SkippedImage> _skipped = [];

    /// <summary>How many images were skipped; an image that failed in several passes counts once.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _skipped.Count;
            }
        }
    }

    /// <summary>The skipped images, sorted by their position in the source.</summary>
    public IReadOnlyList<SkippedImage> Items
    {
        get
        {
            lock (_gate)
            {
                return [.. _skipped.Values];
            }
        }
    }

    /// <summary>
    /// For the user: <c>2 of 199 images could not be read and were skipped:</c> and a line for each of the first 20 with its reason. Empty if
    /// none was skipped.
    /// </summary>
    /// <param name="total">How many images were asked for.</param>
    public string Summary(int total)
    {
        var items = Items;
        if (items.Count == 0)
        {
            return "";
        }

        var lines = items.Take(Listed).Select(item => $"  {item.Reason}");
        var rest = items.Count > Listed ? FormattableString.Invariant($"\n  … and {items.Count - Listed} more") : "";
        return FormattableString.Invariant($"{items.Count} of {total} images could not be read and were skipped:\n")
            + string.Join('\n', lines) + rest;
    }

    internal void Add(SkippedImage image)
    {
        lock (_gate)
        {
            _skipped[image.Index] = image;
        }
    }
}
