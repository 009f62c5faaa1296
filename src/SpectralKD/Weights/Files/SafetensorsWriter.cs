using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SpectralKD.Weights;

/// <summary>
/// Writes safetensors files as PyTorch's own writer lays them out: metadata <c>format = pt</c>, tensors by falling width of
/// their type and then by name, header padded with blanks to a multiple of 8 bytes.
/// </summary>
public static class SafetensorsWriter
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes tensors to a file that appears complete or not at all.</summary>
    /// <param name="path">The file; its folder is made if need be, an older file of that name is replaced at the end.</param>
    /// <param name="tensors">Tensors by key, on any device and with any strides.</param>
    /// <param name="metadata">Further strings for <c>__metadata__</c>; null for none.</param>
    /// <exception cref="SpectralKDException">A type cannot be stored, or the file cannot be written.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        LibTorch.EnsureLoaded();
        var ordered = tensors
            .Select(pair => (pair.Key, Tensor: pair.Value, Type: ElementTypes.FromScalarType(pair.Value.dtype)))
            .OrderByDescending(entry => entry.Type)
            .ThenBy(entry => entry.Key, StringComparer.Ordinal)
            .ToList();
        var header = Header(ordered.Select(entry => new TensorInfo(entry.Key, entry.Type, entry.Tensor.shape)), metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (var entry in ordered)
            {
                TensorBytes.Write(stream, entry.Tensor);
            }
        });
    }

    /// <summary>Length prefix and padded JSON for tensors that will follow in this order.</summary>
    internal static byte[] Header(IEnumerable<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[8]);
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            WriteEntries(json, tensors);
            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        var header = buffer.ToArray();
        if (header.Length - 8 > SafetensorsHeader.MaximumLength)
        {
            throw new SpectralKDException($"a safetensors header of {header.Length - 8} bytes exceeds the format's limit; store fewer tensors");
        }

        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)header.Length - 8);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        json.WriteStartObject("__metadata__");
        json.WriteString("format", "pt");
        foreach (var (key, value) in (metadata ?? new Dictionary<string, string>()).Where(pair => pair.Key != "format"))
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteEntries(Utf8JsonWriter json, IEnumerable<TensorInfo> tensors)
    {
        long position = 0;
        foreach (var tensor in tensors)
        {
            json.WriteStartObject(tensor.Key);
            json.WriteString("dtype", tensor.Type.FormatName());
            json.WriteStartArray("shape");
            foreach (var size in tensor.Shape)
            {
                json.WriteNumberValue(size);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(position);
            json.WriteNumberValue(position += tensor.ByteCount);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }
}
