using System.Buffers.Binary;
using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// A safetensors file, memory-mapped: opening reads and checks the header only, reading copies a tensor's bytes once.
/// Format: https://huggingface.co/docs/safetensors.
/// </summary>
public sealed class SafetensorsFile : ITensorSource
{
    private const int PrefixLength = 8;

    private readonly MappedFile file;
    private readonly long dataStart;
    private readonly Dictionary<string, long> begins = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> tensors = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile file)
    {
        this.file = file;
        var headerLength = ReadHeaderLength();
        dataStart = PrefixLength + headerLength;
        var header = SafetensorsHeader.Parse(file.Slice(PrefixLength, (int)headerLength), file.Length - dataStart);
        Metadata = header.Metadata;
        foreach (var tensor in header.Tensors)
        {
            tensors.Add(tensor.Info.Key, tensor.Info);
            begins.Add(tensor.Info.Key, dataStart + tensor.Begin);
        }
    }

    /// <inheritdoc/>
    public string Name => file.Name;

    /// <inheritdoc/>
    public string FilePath => file.FullPath;

    /// <summary>The header's <c>__metadata__</c>, empty if there is none; PyTorch's writers put <c>format = pt</c> there.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => tensors;

    /// <summary>Opens a file and checks its whole header against the format and the file's size.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">
    /// The file is missing, truncated or breaks the format; the message names file, tensor and what was found.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        var file = MappedFile.Open(path);
        WrongContent.Refuse(file);
        try
        {
            return new SafetensorsFile(file);
        }
        catch (SpectralKDException error)
        {
            file.Dispose();
            throw new SpectralKDException($"'{path}' is not a valid safetensors file: {error.Message}; fetch or save it again", error);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string key)
    {
        var info = Find(key);
        var type = info.Type.ToScalarType() ?? throw new SpectralKDException(
            $"tensor '{key}' of '{Name}' has dtype {info.Type.FormatName()}, which torch cannot hold; convert it to F32 first");
        LibTorch.EnsureLoaded();
        var tensor = empty([.. info.Shape], type, device: CPU);
        file.CopyTo(tensor, begins[key]);
        return tensor;
    }

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination)
    {
        var info = Find(key);
        TensorCopy.CheckShape(this, info, destination);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        if (TensorCopy.IsPlainMemory(destination, info.Type))
        {
            file.CopyTo(destination.detach(), begins[key]);
        }
        else
        {
            destination.copy_(Read(key));
        }
    }

    /// <summary>Unmaps the file. Tensors that were read stay valid.</summary>
    public void Dispose() => file.Dispose();

    private TensorInfo Find(string key) => tensors.TryGetValue(key, out var info)
        ? info
        : throw new SpectralKDException($"'{Name}' has no tensor '{key}' (it has {tensors.Count} others)");

    private long ReadHeaderLength()
    {
        if (file.Length < PrefixLength)
        {
            throw new SpectralKDException($"it has {file.Length} bytes, fewer than the {PrefixLength} of the header's length");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Slice(0, PrefixLength));
        if (length > SafetensorsHeader.MaximumLength)
        {
            throw new SpectralKDException($"its header claims {length} bytes, more than the format's {SafetensorsHeader.MaximumLength}");
        }

        if ((long)length > file.Length - PrefixLength)
        {
            throw new SpectralKDException($"its header claims {length} bytes, but only {file.Length - PrefixLength} follow "
                + $"({(long)length - (file.Length - PrefixLength)} bytes are missing)");
        }

        return (long)length;
    }
}
