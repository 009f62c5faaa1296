using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// Number formats of stored tensors, named as the safetensors format names them and in the order in which its
/// reference implementation declares them (its writer sorts tensors by it, widest last).
/// </summary>
public enum ElementType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>8-bit float, 5 exponent bits.</summary>
    F8E5M2,

    /// <summary>8-bit float, 4 exponent bits.</summary>
    F8E4M3,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16: the upper half of a single-precision float.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Names, sizes and torch counterparts of <see cref="ElementType"/>.</summary>
public static class ElementTypes
{
    private static readonly Dictionary<string, ElementType> ByFormatName =
        Enum.GetValues<ElementType>().ToDictionary(FormatName, StringComparer.Ordinal);

    /// <summary>The name in a safetensors header, for example <c>F32</c> or <c>F8_E4M3</c>.</summary>
    public static string FormatName(this ElementType type) => type switch
    {
        ElementType.Bool => "BOOL",
        ElementType.F8E5M2 => "F8_E5M2",
        ElementType.F8E4M3 => "F8_E4M3",
        _ => type.ToString(),
    };

    /// <summary>Finds the format of a safetensors name; false for an unknown name.</summary>
    public static bool TryParse(string name, out ElementType type) => ByFormatName.TryGetValue(name, out type);

    /// <summary>All names that <see cref="TryParse"/> knows, for messages.</summary>
    public static string KnownNames { get; } = string.Join(", ", Enum.GetValues<ElementType>().Select(FormatName));

    /// <summary>Bytes of one element: 1, 2, 4 or 8.</summary>
    public static int Size(this ElementType type) => type switch
    {
        <= ElementType.F8E4M3 => 1,
        <= ElementType.BF16 => 2,
        <= ElementType.F32 => 4,
        _ => 8,
    };

    /// <summary>True for F16, BF16, F32 and F64: the formats that a model's weights may have.</summary>
    public static bool IsFloat(this ElementType type) =>
        type is ElementType.F16 or ElementType.BF16 or ElementType.F32 or ElementType.F64;

    /// <summary>torch's type of the same layout, or null where TorchSharp has none (unsigned integers above 8 bits, 8-bit floats).</summary>
    public static ScalarType? ToScalarType(this ElementType type) => type switch
    {
        ElementType.Bool => ScalarType.Bool,
        ElementType.U8 => ScalarType.Byte,
        ElementType.I8 => ScalarType.Int8,
        ElementType.I16 => ScalarType.Int16,
        ElementType.F16 => ScalarType.Float16,
        ElementType.BF16 => ScalarType.BFloat16,
        ElementType.I32 => ScalarType.Int32,
        ElementType.F32 => ScalarType.Float32,
        ElementType.F64 => ScalarType.Float64,
        ElementType.I64 => ScalarType.Int64,
        _ => null,
    };

    /// <summary>The stored format of a torch type.</summary>
    /// <exception cref="SpectralKDException">The type (complex numbers) cannot be stored.</exception>
    public static ElementType FromScalarType(ScalarType type) => type switch
    {
        ScalarType.Bool => ElementType.Bool,
        ScalarType.Byte => ElementType.U8,
        ScalarType.Int8 => ElementType.I8,
        ScalarType.Int16 => ElementType.I16,
        ScalarType.Float16 => ElementType.F16,
        ScalarType.BFloat16 => ElementType.BF16,
        ScalarType.Int32 => ElementType.I32,
        ScalarType.Float32 => ElementType.F32,
        ScalarType.Float64 => ElementType.F64,
        ScalarType.Int64 => ElementType.I64,
        _ => throw new SpectralKDException($"a tensor of type {type} cannot be stored as safetensors; convert it to a real type first"),
    };
}
