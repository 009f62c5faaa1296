using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// A PyTorch checkpoint (<c>.pth</c>, <c>.pt</c>, <c>pytorch_model.bin</c>) in the zip format that torch.save writes since
/// version 1.6. Its pickle is read as plain data by a reader that executes nothing; tensors are windows of the mapped file.
/// </summary>
public sealed class TorchCheckpointFile : ITensorSource
{
    private readonly MappedFile file;
    private readonly Dictionary<string, CheckpointTensor> checkpoint = new(StringComparer.Ordinal);

    private TorchCheckpointFile(MappedFile file, bool ema)
    {
        this.file = file;
        var archive = new TorchArchive(file);
        foreach (var (key, tensor) in CheckpointChoice.Choose(archive.ReadPickle(), ema))
        {
            checkpoint.Add(key, archive.Locate(key, tensor));
        }

        Tensors = checkpoint.ToDictionary(pair => pair.Key, pair => pair.Value.Info, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Name => file.Name;

    /// <inheritdoc/>
    public string FilePath => file.FullPath;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Opens a checkpoint and checks its archive, its pickle, every tensor's bounds and every storage's checksum.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ema">True takes the averaged weights (<c>model_ema</c>, <c>state_dict_ema</c>) instead of the last ones.</param>
    /// <exception cref="SpectralKDException">
    /// The file is damaged, has the format before torch 1.6, or names a class or function that is neither tensor nor plain data.
    /// </exception>
    public static TorchCheckpointFile Open(string path, bool ema = false)
    {
        var file = MappedFile.Open(path);
        try
        {
            return new TorchCheckpointFile(file, ema);
        }
        catch (SpectralKDException error)
        {
            file.Dispose();
            throw new SpectralKDException($"cannot read the PyTorch checkpoint '{path}': {error.Message}", error);
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
        LibTorch.EnsureLoaded();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return ReadTensor(Find(key)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void ReadInto(string key, Tensor destination)
    {
        var tensor = Find(key);
        TensorCopy.CheckShape(this, tensor.Info, destination);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        if (tensor.IsDense && TensorCopy.IsPlainMemory(destination, tensor.Info.Type))
        {
            file.CopyTo(destination.detach(), tensor.ByteOffset);
        }
        else
        {
            destination.copy_(ReadTensor(tensor));
        }
    }

    /// <summary>Unmaps the file. Tensors that were read stay valid.</summary>
    public void Dispose() => file.Dispose();

    private CheckpointTensor Find(string key) => checkpoint.TryGetValue(key, out var tensor)
        ? tensor
        : throw new SpectralKDException($"'{Name}' has no tensor '{key}' (it has {checkpoint.Count} others)");

    private Tensor ReadTensor(CheckpointTensor tensor)
    {
        var type = tensor.Info.Type.ToScalarType() ?? throw new SpectralKDException(
            $"tensor '{tensor.Info.Key}' of '{Name}' has type {tensor.Info.Type.FormatName()}, which torch cannot hold; convert it to float32 first");
        if (tensor.IsDense)
        {
            var dense = empty([.. tensor.Info.Shape], type, device: CPU);
            file.CopyTo(dense, tensor.ByteOffset);
            return dense;
        }

        var window = empty([tensor.Extent], type, device: CPU); // (elements from the first to the last that are used)
        file.CopyTo(window, tensor.ByteOffset);
        return window.as_strided([.. tensor.Info.Shape], [.. tensor.Strides], 0).contiguous();
    }
}
