using System.Globalization;

namespace SpectralKD.Weights;

/// <summary>What a weights file says about one tensor, before anything of it is read.</summary>
/// <param name="Key">Its name in the file, for example <c>blocks.0.attn.qkv.weight</c>.</param>
/// <param name="Type">Its number format.</param>
/// <param name="Shape">Its sizes; empty for a single number.</param>
public sealed record TensorInfo(string Key, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Size in bytes when stored densely.</summary>
    public long ByteCount => checked(Count * Type.Size());

    /// <summary>The shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public string ShapeText => Text(Shape);

    /// <summary>Any shape as text: <c>[192, 3, 16, 16]</c>.</summary>
    public static string Text(IEnumerable<long> shape) =>
        $"[{string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>Product of the sizes times the bytes of one element; false if a size is negative or the product overflows 63 bits.</summary>
    internal static bool TryByteCount(IReadOnlyList<long> shape, ElementType type, out long bytes)
    {
        bytes = type.Size();
        foreach (var size in shape)
        {
            if (size < 0 || (size > 0 && bytes > long.MaxValue / size))
            {
                return false;
            }

            bytes *= size;
        }

        return true;
    }
}
