namespace SpectralKD.Weights;

/// <summary>How far a download is.</summary>
/// <param name="BytesDone">Bytes that are on the disk, those of an earlier, interrupted download included.</param>
/// <param name="BytesTotal">Bytes in all; null where unknown.</param>
/// <param name="FileName">Repository and file, for example <c>timm/deit_tiny_patch16_224.fb_in1k/model.safetensors</c>.</param>
public readonly record struct DownloadProgress(long BytesDone, long? BytesTotal, string FileName = "");
