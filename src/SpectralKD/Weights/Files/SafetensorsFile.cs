using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace SpectralKD.Weights;

/// <summary>
/// A safetensors file, memory-mapped: opening reads and checks the header only, reading copies a tensor's bytes once.
/// Format: https://huggingface.co/docs/safetensors.
/// </summary>
public sealed class SafetensorsFile : ITensorSource
{
    private const int PrefixLength = 8;

    private readonly MappedFile _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, long> _begins = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile file)
    {
        _file = file;
        var headerLength = ReadHeaderLength();
        _dataStart = PrefixLength + headerLength;
        var header = SafetensorsHeader.Parse(file.Slice(PrefixLength, (int)headerLength), file.Length - _dataStart);
        Metadata = header.Metadata;
        foreach (var tensor in header.Tensors)
        {
            _tensors.Add(tensor.Info.Key, tensor.Info);
            _begins.Add(tensor.Info.Key, _dataStart + tensor.Begin);
        }
    }

    /// <inheritdoc/>
    public string Name => _file.Name;

    /// <inheritdoc/>
    public string FilePath => _file.FullPath;

    /// <summary>The header's <c>__metadata__</c>, empty if there is none; PyTorch's writers put <c>format = pt</c> there.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Opens a file and checks its whole header against the format and the file's size.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">
    /// The file is missing, truncated or breaks the format; the message names file, tensor and what was found.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        WrongContent.Refuse(file);
        return file.As(opened => new SafetensorsFile(opened), why => $"'{path}' is not a valid safetensors file: {why}; fetch or save it again");
    }

    /// <inheritdoc/>
    public Tensor Read(string key)
    {
        var info = this.Find(key);
        var type = info.Type.ToScalarType() ?? throw new SpectralKDException(
            $"tensor '{key}' of '{Name}' has dtype {info.Type.FormatName()}, which torch cannot hold; convert it to F32 first");
        LibTorch.EnsureLoaded();
        var tensor = empty([.. info.Shape], type, device: CPU);
        _file.CopyTo(tensor, _begins[key]);
        return tensor;
    }

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination)
    {
        var info = this.Find(key);
        if (!TensorCopy.IsPlainMemory(destination, info.Type))
        {
            TensorCopy.Into(this, key, destination);
            return;
        }

        TensorCopy.CheckShape(this, info, destination);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        _file.CopyTo(destination.detach(), _begins[key]);
    }

    /// <summary>Unmaps the file. Tensors that were read stay valid.</summary>
    public void Dispose() => _file.Dispose();

    private long ReadHeaderLength()
    {
        if (_file.Length < PrefixLength)
        {
            throw new SpectralKDException($"it has {_file.Length} bytes, fewer than the {PrefixLength} of the header's length");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(_file.Slice(0, PrefixLength));
        if (length > SafetensorsHeader.MaximumLength)
        {
            throw new SpectralKDException($"its header claims {length} bytes, more than the format's {SafetensorsHeader.MaximumLength}");
        }

        if ((long)length > _file.Length - PrefixLength)
        {
            throw new SpectralKDException($"its header claims {length} bytes, but only {_file.Length - PrefixLength} follow "
                + $"({(long)length - (_file.Length - PrefixLength)} bytes are missing)");
        }

        return (long)length;
    }
}

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

/// <summary>Where a tensor's bytes lie, counted from the end of the header.</summary>
internal readonly record struct StoredTensor(TensorInfo Info, long Begin, long End);

/// <summary>The JSON header of a safetensors file, read strictly: https://huggingface.co/docs/safetensors (Format).</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference implementation's limit.</summary>
    public const long MaximumLength = 100_000_000;

    private readonly List<StoredTensor> _tensors = [];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    public IReadOnlyList<StoredTensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

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
            if (!_keys.Add(key))
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
                _tensors.Add(SafetensorsEntry.Read(key, ref reader));
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

            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw new SpectralKDException($"its __metadata__ names '{key}' twice");
            }
        }
    }

    /// <summary>The tensors, in the order of their offsets, must cover the data without holes or overlaps, as the format demands.</summary>
    private void CheckLayout(long dataLength)
    {
        var needed = _tensors.Count == 0 ? 0 : _tensors.Max(t => t.End);
        long position = 0;
        var previous = "the header";
        foreach (var tensor in _tensors.OrderBy(t => t.Begin).ThenBy(t => t.End))
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
