namespace SpectralKD.Weights;

/// <summary>
/// A PyTorch checkpoint (<c>.pth</c>, <c>.pt</c>, <c>.ckpt</c>, <c>pytorch_model.bin</c>) in the zip format that torch.save writes since version 1.6, or in
/// the one from before. Its pickle is read as plain data by a reader that executes nothing; tensors are windows of the mapped file.
/// </summary>
internal sealed class TorchCheckpointFile : ITensorSource
{
    private readonly MappedFile _file;
    private readonly ITorchContainer _container;
    private readonly Dictionary<string, CheckpointTensor> _checkpoint = new(StringComparer.Ordinal);

    private TorchCheckpointFile(MappedFile file, string? part, ModelSpec? spec)
    {
        _file = file;
        _container = TorchArchive.Recognises(file) ? new TorchArchive(file) : TorchLegacy.Recognises(file) ? new TorchLegacy(file)
            : throw new SpectralKDException("it is no zip archive, so torch.save did not write it (or the download is an error page); check the file");
        try
        {
            var chosen = CheckpointChoice.Choose(_container.ReadPickle(), part, spec);
            foreach (var (key, tensor) in chosen.Tensors)
            {
                _checkpoint.Add(key, _container.Locate(key, tensor));
            }

            (Notes, PassedOver) = (chosen.Notes, chosen.PassedOver);
        }
        catch
        {
            _container.Dispose();
            throw;
        }

        Tensors = _checkpoint.ToDictionary(pair => pair.Key, pair => pair.Value.Info, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Name => _file.Name;

    /// <inheritdoc/>
    public string FilePath => _file.FullPath;

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
        return file.As(opened => new TorchCheckpointFile(opened, part, spec), why => $"cannot read the PyTorch checkpoint '{path}': {why}");
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
        _container.Dispose();
        _file.Dispose();
    }

    private CheckpointTensor Find(string key) => _checkpoint.TryGetValue(key, out var tensor)
        ? tensor
        : throw TensorCopy.Absent(this, key);

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

/// <summary>One of torch.save's two formats: a pickle, and the numbers of the storages that it names.</summary>
internal interface ITorchContainer : IDisposable
{
    /// <summary>Longest pickle that is read.</summary>
    const int LargestPickle = 64 << 20;

    /// <summary>Reads the pickle as plain data.</summary>
    object? ReadPickle();

    /// <summary>Finds a tensor's bytes and checks that they are there and whole.</summary>
    CheckpointTensor Locate(string key, PickleTensor tensor);
}

/// <summary>A tensor of a checkpoint whose bounds were checked: a strided window of the file.</summary>
/// <param name="Info">Key, type and shape.</param>
/// <param name="Strides">Elements from one index to the next, for each dimension.</param>
/// <param name="File">The mapped file, or its unpacked content.</param>
/// <param name="ByteOffset">Place of the first element there.</param>
/// <param name="Extent">Elements from the first to the last that are used, gaps included; 0 for an empty tensor.</param>
internal sealed record CheckpointTensor(TensorInfo Info, IReadOnlyList<long> Strides, MappedFile File, long ByteOffset, long Extent)
{
    /// <summary>A tensor that repeats its storage (stride 0) may still be this large; beyond it a tiny file could ask for any memory.</summary>
    private const long LargestRepeat = 1 << 16;

    /// <summary>True if the elements lie row-major without gaps.</summary>
    public bool IsDense { get; } = Dense(Info.Shape, Strides);

    /// <summary>Checks a tensor against its storage, which lies at an offset of the file.</summary>
    /// <exception cref="SpectralKDException">It reaches outside of its storage, or is far larger than it.</exception>
    public static CheckpointTensor Make(string key, PickleTensor tensor, MappedFile file, long storageOffset, long storageCount)
    {
        var info = new TensorInfo(key, tensor.Type, tensor.Shape);
        if (tensor.Strides.Count != tensor.Shape.Count || !TensorInfo.TryByteCount(tensor.Shape, tensor.Type, out var bytes))
        {
            throw new SpectralKDException($"tensor '{key}' has the impossible shape {info.ShapeText} with strides {TensorInfo.Text(tensor.Strides)}");
        }

        var extent = bytes == 0 ? 0 : Reach(tensor.Shape, tensor.Strides, storageCount);
        if (tensor.Offset < 0 || extent < 0 || tensor.Offset > storageCount - extent)
        {
            throw new SpectralKDException($"tensor '{key}' {info.ShapeText} with strides {TensorInfo.Text(tensor.Strides)} from element {tensor.Offset} "
                + $"reaches outside of its storage of {storageCount} elements");
        }

        if (info.Count > Math.Max(storageCount, LargestRepeat))
        {
            throw new SpectralKDException($"tensor '{key}' {info.ShapeText} claims {info.Count} elements, but its storage has {storageCount}");
        }

        return new CheckpointTensor(info, tensor.Strides, file, storageOffset + (tensor.Offset * tensor.Type.Size()), extent);
    }

    /// <summary>Elements from the first to the last, or -1 if that is more than the limit or a stride is negative.</summary>
    private static long Reach(IReadOnlyList<long> shape, IReadOnlyList<long> strides, long limit)
    {
        long last = 0;
        for (var i = 0; i < shape.Count; i++)
        {
            if (strides[i] < 0 || (shape[i] > 1 && strides[i] > (limit - last) / (shape[i] - 1)))
            {
                return -1;
            }

            last += (shape[i] - 1) * strides[i];
        }

        return last + 1;
    }

    private static bool Dense(IReadOnlyList<long> shape, IReadOnlyList<long> strides)
    {
        long step = 1;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != step)
            {
                return shape.Contains(0);
            }

            step *= shape[i];
        }

        return true;
    }
}
