using TorchSharp;

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
internal static class ElementTypes
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

/// <summary>The raw memory of contiguous CPU tensors.</summary>
internal static class TensorBytes
{
    private const long PartElements = 1L << 27; // at most 1 GiB of 8-byte numbers: a span holds less than 2 GiB

    /// <summary>All bytes of a contiguous CPU tensor of less than 2 GiB.</summary>
    public static Span<byte> Of(Tensor tensor) => tensor.numel() == 0 ? [] : tensor.bytes;

    /// <summary>Consecutive flat views of a contiguous tensor, each small enough for <see cref="Of"/>; they share its memory.</summary>
    public static List<Tensor> Parts(Tensor tensor)
    {
        var flat = tensor.view(-1); // (numel)
        var parts = new List<Tensor>();
        for (long first = 0; first < flat.shape[0]; first += PartElements)
        {
            parts.Add(flat.narrow(0, first, Math.Min(PartElements, flat.shape[0] - first)));
        }

        return parts;
    }

    /// <summary>Writes a tensor's bytes, row-major, from whatever device and layout it has.</summary>
    public static void Write(Stream stream, Tensor tensor)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var part in Parts(tensor.detach().cpu().contiguous()))
        {
            stream.Write(Of(part));
        }
    }
}

/// <summary>Checks before bytes go into an existing tensor: torch itself would broadcast or cast without a word.</summary>
internal static class TensorCopy
{
    /// <summary>True if the destination's memory can take the stored bytes as they are.</summary>
    public static bool IsPlainMemory(Tensor destination, ElementType type) =>
        destination.device_type == DeviceType.CPU && destination.dtype == type.ToScalarType() && destination.is_contiguous();

    /// <summary>The error for a tensor that a file does not hold.</summary>
    public static SpectralKDException Absent(ITensorSource source, string key) => new($"'{source.Name}' has no tensor '{key}' (it has {source.Tensors.Count} others)");

    /// <summary>What a source holds under a key.</summary>
    public static TensorInfo Find(this ITensorSource source, string key) => source.Tensors.TryGetValue(key, out var info) ? info : throw Absent(source, key);

    /// <summary>Reads a tensor and copies it, converting type and device as needed.</summary>
    public static void Into(ITensorSource source, string key, Tensor destination)
    {
        CheckShape(source, source.Find(key), destination);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        destination.copy_(source.Read(key));
    }

    /// <summary>Fails unless the destination has exactly the stored shape.</summary>
    public static void CheckShape(ITensorSource source, TensorInfo info, Tensor destination)
    {
        if (!destination.shape.SequenceEqual(info.Shape))
        {
            throw new SpectralKDException($"tensor '{info.Key}' of '{source.Name}' is {info.ShapeText}, but a tensor of "
                + $"{TensorInfo.Text(destination.shape)} was given to read it into");
        }
    }
}
