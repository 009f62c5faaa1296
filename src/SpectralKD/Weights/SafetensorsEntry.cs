using System.Text.Json;

namespace SpectralKD.Weights;

/// <summary>One tensor's object in a safetensors header: <c>{"dtype":"F32","shape":[…],"data_offsets":[begin,end]}</c>.</summary>
internal static class SafetensorsEntry
{
    private const int MaximumRank = 64; // torch's own limit

    /// <summary>Reads the object at the reader's position and checks that type, shape and byte range agree.</summary>
    public static StoredTensor Read(string key, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Broken(key, $"is described by {reader.TokenType}, not by an object");
        }

        string? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.GetString()!;
            reader.Read();
            switch (field)
            {
                case "dtype" when type is null && reader.TokenType == JsonTokenType.String:
                    type = reader.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(key, field, ref reader);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(key, field, ref reader);
                    break;
                default:
                    throw Broken(key, $"has an unknown, repeated or ill-typed field '{field}'");
            }
        }

        return Check(key, type, shape, offsets);
    }

    private static List<long> ReadNumbers(string key, string field, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Broken(key, $"has a '{field}' that is {reader.TokenType}, not a list of numbers");
        }

        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                throw Broken(key, $"has a '{field}' with an entry that is no whole number from 0 to {long.MaxValue}");
            }

            numbers.Add(number);
            if (numbers.Count > MaximumRank)
            {
                throw Broken(key, $"has a '{field}' of more than {MaximumRank} numbers");
            }
        }

        return numbers;
    }

    private static StoredTensor Check(string key, string? typeName, List<long>? shape, List<long>? offsets)
    {
        if (typeName is null || shape is null || offsets is not { Count: 2 })
        {
            throw Broken(key, "lacks one of dtype, shape and data_offsets [begin, end]");
        }

        if (!ElementTypes.TryParse(typeName, out var type))
        {
            throw Broken(key, $"has the unknown dtype '{typeName}' (known: {ElementTypes.KnownNames})");
        }

        var length = offsets[1] - offsets[0];
        var info = new TensorInfo(key, type, shape);
        if (!TensorInfo.TryByteCount(shape, type, out var bytes))
        {
            throw Broken(key, $"has a shape {info.ShapeText} whose size does not fit into 63 bits");
        }

        if (bytes != length)
        {
            throw Broken(key, $"is {typeName} {info.ShapeText}, which takes {bytes} bytes, but its data_offsets "
                + $"[{offsets[0]}, {offsets[1]}] span {length}");
        }

        return new StoredTensor(info, offsets[0], offsets[1]);
    }

    private static SpectralKDException Broken(string key, string what) => new($"tensor '{key}' {what}");
}
