using System.Text;

namespace SpectralKD.Weights;

/// <summary>
/// What TorchSharp's <c>module.save("x.dat")</c> writes: the number of tensors, then for each its name, type, shape and numbers; whole numbers in LEB128
/// (7 bits a byte, lowest first). The format has no mark of its own: a file is one if all of it reads as one.
/// </summary>
internal sealed class TorchSharpFile : ITensorSource
{
    private const int MostTensors = 1_000_000, LongestName = 1000, HighestRank = 64;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly MappedFile _file;
    private readonly Dictionary<string, long> _begins = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private long _position;

    private TorchSharpFile(MappedFile file)
    {
        _file = file;
        var count = Number();
        for (long i = 0; i < (count is > 0 and <= MostTensors ? count : throw new SpectralKDException($"it claims {count} tensors")); i++)
        {
            ReadTensor();
        }

        if (_position != file.Length)
        {
            throw new SpectralKDException($"its {count} tensors end at byte {_position} of {file.Length}");
        }
    }

    /// <inheritdoc/>
    public string Name => _file.Name;

    /// <inheritdoc/>
    public string FilePath => _file.FullPath;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Opens a file and checks all names, types and shapes against its length.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">The file is missing, or is not of this format from its first byte to its last.</exception>
    public static TorchSharpFile Open(string path)
    {
        var file = MappedFile.Open(path);
        return file.As(opened => new TorchSharpFile(opened), why => $"'{path}' is not what TorchSharp's module.save writes: {why}; save it again, or as safetensors");
    }

    /// <summary>True if all of a file reads as this format.</summary>
    internal static bool Recognises(MappedFile file)
    {
        try
        {
            return new TorchSharpFile(file)._tensors.Count > 0;
        }
        catch (SpectralKDException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string key)
    {
        var info = this.Find(key);
        LibTorch.EnsureLoaded();
        var tensor = empty([.. info.Shape], info.Type.ToScalarType()!.Value, device: CPU);
        _file.CopyTo(tensor, _begins[key]);
        return tensor;
    }

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination) => TensorCopy.Into(this, key, destination);

    /// <summary>Unmaps the file. Tensors that were read stay valid.</summary>
    public void Dispose() => _file.Dispose();

    private void ReadTensor()
    {
        var name = Text();
        var number = Number();
        var type = number is >= 0 and <= (int)ScalarType.BFloat16 && Enum.IsDefined((ScalarType)(sbyte)number) && IsStored((ScalarType)(sbyte)number)
            ? ElementTypes.FromScalarType((ScalarType)(sbyte)number)
            : throw new SpectralKDException($"tensor '{name}' has the unknown type {number}");
        var rank = Number();
        if (rank is < 0 or > HighestRank)
        {
            throw new SpectralKDException($"tensor '{name}' has {rank} dimensions");
        }

        var shape = new long[rank];
        for (var i = 0; i < rank; i++)
        {
            shape[i] = Number();
        }

        if (!TensorInfo.TryByteCount(shape, type, out var bytes) || bytes > _file.Length - _position)
        {
            throw new SpectralKDException($"tensor '{name}' of shape {TensorInfo.Text(shape)} does not fit into the {_file.Length - _position} bytes that follow");
        }

        if (!_tensors.TryAdd(name, new TensorInfo(name, type, shape)))
        {
            throw new SpectralKDException($"it names '{name}' twice");
        }

        _begins[name] = _position;
        _position += bytes;
    }

    private static bool IsStored(ScalarType type) => type is not (ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64);

    private string Text()
    {
        var length = Number();
        if (length is <= 0 or > LongestName || length > _file.Length - _position)
        {
            throw new SpectralKDException($"a name of {length} bytes begins at byte {_position}");
        }

        try
        {
            var name = Utf8.GetString(_file.Slice(_position, (int)length));
            _position += length;
            return !name.Any(char.IsControl) ? name : throw new SpectralKDException($"the name before byte {_position} holds control characters");
        }
        catch (DecoderFallbackException error)
        {
            throw new SpectralKDException($"the name at byte {_position} is not UTF-8", error);
        }
    }

    private long Number()
    {
        long value = 0;
        for (var shift = 0; shift < 63; shift += 7)
        {
            var next = _position < _file.Length ? _file.Slice(_position++, 1)[0] : throw new SpectralKDException("it ends inside a number");
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new SpectralKDException($"the number before byte {_position} is too long");
    }
}
