using System.Text;
using System.Text.Json;

namespace SpectralKD.Weights;

/// <summary>Where a tensor's bytes lie, counted from the end of the header.</summary>
internal readonly record struct StoredTensor(TensorInfo Info, long Begin, long End);

/// <summary>The JSON header of a safetensors file, read strictly: https://huggingface.co/docs/safetensors (Format).</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference implementation's limit.</summary>
    public const long MaximumLength = 100_000_000;

    private readonly List<StoredTensor> tensors = [];
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);
    private readonly HashSet<string> keys = new(StringComparer.Ordinal);

    public IReadOnlyList<StoredTensor> Tensors => tensors;

    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Parses a header and checks it against the number of bytes that follow it.</summary>
    /// <exception cref="SpectralKDException">The header breaks the format; the message has no file name yet.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafetensorsHeader();
        try
        {
            header.ReadObject(json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new SpectralKDException($"its header is not valid JSON ({FirstSentence(error.Message)})", error);
        }

        header.CheckLayout(dataLength);
        return header;
    }

    private static string FirstSentence(string message) => message.Split(". ", 2)[0].TrimEnd('.');

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw new SpectralKDException("its header does not begin with '{'");
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (!keys.Add(key))
            {
                throw new SpectralKDException($"its header names '{key}' twice");
            }

            reader.Read();
            if (key == "__metadata__")
            {
                ReadMetadata(ref reader);
            }
            else
            {
                tensors.Add(SafetensorsEntry.Read(key, ref reader));
            }
        }

        reader.Read(); // Fails on anything but blanks after the object.
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new SpectralKDException($"its __metadata__ is {reader.TokenType}, not an object of strings");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new SpectralKDException($"its __metadata__ '{key}' is {reader.TokenType}, not a string");
            }

            if (!metadata.TryAdd(key, reader.GetString()!))
            {
                throw new SpectralKDException($"its __metadata__ names '{key}' twice");
            }
        }
    }

    /// <summary>The tensors, in the order of their offsets, must cover the data without holes or overlaps, as the format demands.</summary>
    private void CheckLayout(long dataLength)
    {
        var needed = tensors.Count == 0 ? 0 : tensors.Max(t => t.End);
        long position = 0;
        var previous = "the header";
        foreach (var tensor in tensors.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            var key = tensor.Info.Key;
            if (tensor.End > dataLength)
            {
                throw new SpectralKDException($"its tensors need {needed} bytes of data, but the file has only {dataLength} "
                    + $"({needed - dataLength} bytes are missing; '{key}' is the first tensor that is cut)");
            }

            if (tensor.Begin != position)
            {
                var what = tensor.Begin < position ? $"overlaps '{previous}'" : $"leaves a hole after '{previous}'";
                throw new SpectralKDException($"tensor '{key}' {what}: it begins at byte {tensor.Begin} instead of {position}");
            }

            position = tensor.End;
            previous = key;
        }

        if (position != dataLength)
        {
            throw new SpectralKDException($"its tensors end at byte {position} of the data, but the file has {dataLength} "
                + $"({dataLength - position} bytes too many)");
        }
    }
}
