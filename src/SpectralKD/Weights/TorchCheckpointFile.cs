using SpectralKD.Models;
using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// A PyTorch checkpoint (<c>.pth</c>, <c>.pt</c>, <c>.ckpt</c>, <c>pytorch_model.bin</c>) in the zip format that torch.save writes since version 1.6, or in
/// the one from before. Its pickle is read as plain data by a reader that executes nothing; tensors are windows of the mapped file.
/// </summary>
public sealed class TorchCheckpointFile : ITensorSource
{
    private readonly MappedFile file;
    private readonly ITorchContainer container;
    private readonly Dictionary<string, CheckpointTensor> checkpoint = new(StringComparer.Ordinal);

    private TorchCheckpointFile(MappedFile file, string? part, ModelSpec? spec)
    {
        this.file = file;
        container = TorchArchive.Recognises(file) ? new TorchArchive(file) : TorchLegacy.Recognises(file) ? new TorchLegacy(file)
            : throw new SpectralKDException("it is no zip archive, so torch.save did not write it (or the download is an error page); check the file");
        try
        {
            var chosen = CheckpointChoice.Choose(container.ReadPickle(), part, spec);
            foreach (var (key, tensor) in chosen.Tensors)
            {
                checkpoint.Add(key, container.Locate(key, tensor));
            }

            (Notes, PassedOver) = (chosen.Notes, chosen.PassedOver);
        }
        catch
        {
            container.Dispose();
            throw;
        }

        Tensors = checkpoint.ToDictionary(pair => pair.Key, pair => pair.Value.Info, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Name => file.Name;

    /// <inheritdoc/>
    public string FilePath => file.FullPath;

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> PassedOver { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Opens a checkpoint and checks its archive, its pickle, every tensor's bounds and every storage's checksum.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ema">True: averaged weights (<c>model_ema</c>, <c>state_dict_ema</c>) and nothing else. False: as timm, averaged ones where there are any.</param>
    /// <param name="part"><c>plain</c>: the weights that are no average. Else the name of the dictionary that holds them, or null.</param>
    /// <exception cref="SpectralKDException">
    /// The file is damaged, is none of torch.save's, holds no such weights, or names a function that runs code.
    /// </exception>
    public static TorchCheckpointFile Open(string path, bool ema = false, string? part = null) => Open(path, ema ? "ema" : part, null);

    /// <summary>As the other, for a model of known sizes: of several sets of weights the one that fits is taken.</summary>
    internal static TorchCheckpointFile Open(string path, string? part, ModelSpec? spec)
    {
        var file = MappedFile.Open(path);
        WrongContent.Refuse(file);
        try
        {
            return new TorchCheckpointFile(file, part, spec);
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
            tensor.File.CopyTo(destination.detach(), tensor.ByteOffset);
        }
        else
        {
            destination.copy_(ReadTensor(tensor));
        }
    }

    /// <summary>Unmaps the file. Tensors that were read stay valid.</summary>
    public void Dispose()
    {
        container.Dispose();
        file.Dispose();
    }

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
            tensor.File.CopyTo(dense, tensor.ByteOffset);
            return dense;
        }

        var window = empty([tensor.Extent], type, device: CPU); // (elements from the first to the last that are used)
        tensor.File.CopyTo(window, tensor.ByteOffset);
        return window.as_strided([.. tensor.Info.Shape], [.. tensor.Strides], 0).contiguous();
    }
}
