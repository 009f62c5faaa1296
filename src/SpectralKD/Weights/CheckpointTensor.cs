using SpectralKD.Weights.Pickle;

namespace SpectralKD.Weights;

/// <summary>A tensor of a checkpoint whose bounds were checked: a strided window of the file.</summary>
/// <param name="Info">Key, type and shape.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
/// <param name="File">The mapped file, or its unpacked content.</param>
/// <param name="ByteOffset">Place of the first element there.</param>
/// <param name="Extent">Elements from the first to the last that are used, gaps included; 0 for an empty tensor.</param>
internal sealed record CheckpointTensor(TensorInfo Info, IReadOnlyList<long> Strides, MappedFile File, long ByteOffset, long Extent)
{
    /// <summary>A tensor that repeats its storage (stride 0) may still be this large; beyond it a tiny file could ask for any memory.</summary>
    private const long LargestRepeat = 1 << 16;

    /// <summary>True if the elements lie row-major without gaps.</summary>
    public bool IsDense { get; } = Dense(Info.Shape, Strides);

    /// <summary>Checks a tensor against its storage, which lies at an offset of the file.</summary>
    /// <exception cref="SpectralKDException">It reaches outside of its storage, or is far larger than it.</exception>
    public static CheckpointTensor Make(string key, PickleTensor tensor, MappedFile file, long storageOffset, long storageCount)
    {
        var info = new TensorInfo(key, tensor.Type, tensor.Shape);
        if (tensor.Strides.Count != tensor.Shape.Count || !TensorInfo.TryByteCount(tensor.Shape, tensor.Type, out var bytes))
        {
            throw new SpectralKDException($"tensor '{key}' has the impossible shape {info.ShapeText} with strides {TensorInfo.Text(tensor.Strides)}");
        }

        var extent = bytes == 0 ? 0 : Reach(tensor.Shape, tensor.Strides, storageCount);
        if (tensor.Offset < 0 || extent < 0 || tensor.Offset > storageCount - extent)
        {
            throw new SpectralKDException($"tensor '{key}' {info.ShapeText} with strides {TensorInfo.Text(tensor.Strides)} from element {tensor.Offset} "
                + $"reaches outside of its storage of {storageCount} elements");
        }

        if (info.Count > Math.Max(storageCount, LargestRepeat))
        {
            throw new SpectralKDException($"tensor '{key}' {info.ShapeText} claims {info.Count} elements, but its storage has {storageCount}");
        }

        return new CheckpointTensor(info, tensor.Strides, file, storageOffset + (tensor.Offset * tensor.Type.Size()), extent);
    }

    /// <summary>Elements from the first to the last, or -1 if that is more than the limit or a stride is negative.</summary>
    private static long Reach(IReadOnlyList<long> shape, IReadOnlyList<long> strides, long limit)
    {
        long last = 0;
        for (var i = 0; i < shape.Count; i++)
        {
            if (strides[i] < 0 || (shape[i] > 1 && strides[i] > (limit - last) / (shape[i] - 1)))
            {
                return -1;
            }

            last += (shape[i] - 1) * strides[i];
        }

        return last + 1;
    }

    private static bool Dense(IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        long step = 1;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != step)
            {
                return shape.Contains(0);
            }

            step *= shape[i];
        }

        return true;
    }
}
