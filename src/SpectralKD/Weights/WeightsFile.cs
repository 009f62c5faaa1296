namespace SpectralKD.Weights;

/// <summary>Opens a weights file of either format. The content decides, not the file name's extension.</summary>
public static class WeightsFile
{
    /// <summary>Opens a safetensors file or a PyTorch checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="ema">For PyTorch checkpoints: true takes the averaged weights.</param>
    /// <exception cref="SpectralKDException">The file is missing, damaged or of another format.</exception>
    public static ITensorSource Open(string path, bool ema = false) =>
        IsSafetensors(path) ? SafetensorsFile.Open(path) : TorchCheckpointFile.Open(path, ema);

    /// <summary>A safetensors file has '{' as its ninth byte; neither a zip archive nor a pickle of torch.save begins so.</summary>
    private static bool IsSafetensors(string path)
    {
        using var file = MappedFile.Open(path);
        var start = file.Slice(0, (int)Math.Min(9, file.Length));
        return start.Length == 9 && start[8] == (byte)'{' && !start.StartsWith("PK"u8)
            || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
    }
}
