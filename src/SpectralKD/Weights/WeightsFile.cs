namespace SpectralKD.Weights;

/// <summary>Opens a weights file of any known format. The content decides, not the file name's extension.</summary>
public static class WeightsFile
{
    /// <summary>
    /// Opens a safetensors file, several by their index, a PyTorch checkpoint of either format, or what TorchSharp's <c>module.save</c> wrote, and takes the weights
    /// from where they lie in it: <see cref="ITensorSource.Notes"/> says which, where there was a choice. Hugging Face transformers' layouts of ViT, DeiT, DINOv2 and
    /// Swin get timm's keys.
    /// </summary>
    /// <param name="path">The file, or a folder with <c>model.safetensors</c>, its index or <c>pytorch_model.bin</c>.</param>
    /// <param name="ema">True: averaged weights and nothing else. False: as timm, averaged ones where there are any.</param>
    /// <param name="part"><c>plain</c>: the weights that are no average. Else the name of the part that holds them (<c>student</c>), or null.</param>
    /// <exception cref="SpectralKDException">The file is missing, damaged, of another format, or holds no such weights.</exception>
    public static ITensorSource Open(string path, bool ema = false, string? part = null) => Open(path, ema ? "ema" : part, null);

    /// <summary>As the other, for a model of known sizes: of several sets of weights the one that fits is taken.</summary>
    internal static ITensorSource Open(string path, string? part, ModelSpec? spec)
    {
        path = Directory.Exists(path) ? InFolder(path) : path;
        return ForeignLayout.Of(FormatOf(path) switch
        {
            Format.Shards => SourcePart.Choose(ShardedSafetensors.Open(path), part, spec),
            Format.Safetensors => SourcePart.Choose(SafetensorsFile.Open(path), part, spec),
            Format.TorchSharp => SourcePart.Choose(TorchSharpFile.Open(path), part, spec),
            _ => TorchCheckpointFile.Open(path, part, spec),
        });
    }

    private static string InFolder(string folder) => WeightFileNames.InOrder.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new SpectralKDException($"the folder '{folder}' holds no weights ({string.Join(", ", WeightFileNames.InOrder)}); name the file itself");

    /// <summary>A safetensors file has '{' as its ninth byte; neither a zip archive nor a pickle of torch.save begins so.</summary>
    private static Format FormatOf(string path)
    {
        if (ShardedSafetensors.Recognises(path) && File.Exists(path))
        {
            return Format.Shards;
        }

        using var file = MappedFile.Open(path);
        if (TorchArchive.Recognises(file) || TorchLegacy.Recognises(file))
        {
            return Format.Torch;
        }

        var start = file.Slice(0, (int)Math.Min(9, file.Length));
        if ((start.Length == 9 && start[8] == (byte)'{') || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            return Format.Safetensors;
        }

        return WrongContent.Of(file) is null && TorchSharpFile.Recognises(file) ? Format.TorchSharp : Format.Torch;
    }

    private enum Format
    {
        Shards,
        Safetensors,
        Torch,
        TorchSharp,
    }
}
