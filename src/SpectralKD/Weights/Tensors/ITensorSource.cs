using System.Globalization;

namespace SpectralKD.Weights;

/// <summary>
/// A set of named tensors that can be listed before any of them is read: a safetensors file, a PyTorch checkpoint.
/// Opening a source checks everything that reading relies on, so that reading does not fail half-way through a model.
/// </summary>
public interface ITensorSource : IDisposable
{
    /// <summary>What the source is called in messages: usually the file's name.</summary>
    string Name { get; }

    /// <summary>Full path of the file; null for a source that is none.</summary>
    string? FilePath => null;

    /// <summary>Full paths of all files that the weights come from, in a fixed order.</summary>
    IReadOnlyList<string> Files => FilePath is { } path ? [path] : [];

    /// <summary>What was chosen or passed over in opening it, one line each, for <see cref="Models.ModelOrigin.Notes"/>.</summary>
    IReadOnlyList<string> Notes => [];

    /// <summary>Keys whose values are no plain tensors (sparse, quantized, complex, numpy arrays), and what they are.</summary>
    IReadOnlyDictionary<string, string> PassedOver => new Dictionary<string, string>();

    /// <summary>All tensors by key, in the source's order.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Reads one tensor into a new CPU tensor of the stored type and shape.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or torch has no such type.</exception>
    Tensor Read(string key);

    /// <summary>Reads one tensor into an existing one of the same shape, converting type and device as needed.</summary>
    /// <exception cref="SpectralKDException">There is no such key, or its shape is not the destination's.</exception>
    void ReadInto(string key, Tensor destination);
}

/// <summary>What a weights file says about one tensor, before anything of it is read.</summary>
/// <param name="Key">Its name in the file, for example <c>blocks.0.attn.qkv.weight</c>.</param>
/// <param name="Type">Its number format.</param>
/// <param name="Shape">Its sizes; empty for a single number.</param>
public sealed record TensorInfo(string Key, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Count => ByteCount / Type.Size();

    /// <summary>Size in bytes when stored densely.</summary>
    /// <exception cref="SpectralKDException">The shape is impossible: negative, or too large for 63 bits.</exception>
    public long ByteCount => TryByteCount(Shape, Type, out var bytes)
        ? bytes
        : throw new SpectralKDException($"tensor '{Key}' has the impossible shape {ShapeText}");

    /// <summary>The shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public string ShapeText => Text(Shape);

    /// <summary>Any shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public static string Text(IEnumerable<long> shape) =>
        $"[{string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>
    /// Product of the sizes times the bytes of one element; false if a size is negative or the product overflows 63 bits (a size
    /// of 0 counted as 1 for this, as torch computes its strides).
    /// </summary>
    internal static bool TryByteCount(IReadOnlyList<long> shape, ElementType type, out long bytes)
    {
        bytes = type.Size();
        foreach (var size in shape)
        {
            if (size < 0 || bytes > long.MaxValue / Math.Max(size, 1))
            {
                return false;
            }

            bytes *= Math.Max(size, 1);
        }

        bytes = shape.Contains(0) ? 0 : bytes;
        return true;
    }
}
