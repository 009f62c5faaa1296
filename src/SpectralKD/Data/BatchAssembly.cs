using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace SpectralKD.Data;

/// <summary>Images on their way into batches; their buffers are used again.</summary>
internal sealed class BatchAssembly(IImageSource source, int imageSize, int batchSize)
{
    private readonly ConcurrentBag<float[]> buffers = [];
    private readonly List<int> indices = [];
    private readonly List<float[]> images = [];

    /// <summary>Number of images in the batch so far.</summary>
    public int Count => indices.Count;

    /// <summary>A buffer for one image, <c>[3, size, size]</c>. Safe from several threads.</summary>
    public float[] Rent() => buffers.TryTake(out var used) ? used : new float[3 * imageSize * imageSize];

    /// <summary>Gives a buffer back unused.</summary>
    public void Return(float[] buffer) => buffers.Add(buffer);

    /// <summary>Adds an image; true if the batch is full.</summary>
    public bool Add(int index, float[] values)
    {
        indices.Add(index);
        images.Add(values);
        return Count == batchSize;
    }

    /// <summary>Makes the batch and begins a new one. Its tensor is in no dispose scope.</summary>
    public ImageBatch Take()
    {
        var tensor = empty([Count, 3, imageSize, imageSize], dtype: ScalarType.Float32, device: CPU).DetachFromDisposeScope();
        var target = MemoryMarshal.Cast<byte, float>(tensor.bytes);
        for (var i = 0; i < Count; i++)
        {
            images[i].CopyTo(target[(i * images[i].Length)..]);
            buffers.Add(images[i]);
        }

        var batch = new ImageBatch(tensor, [.. indices.Select(index => (long)source.Label(index))], [.. indices]);
        indices.Clear();
        images.Clear();
        return batch;
    }
}
