using static TorchSharp.torch;

namespace SpectralKD.Data;

/// <summary>Some images ready for a model, with their labels. Owns its tensor: dispose it after use.</summary>
public sealed class ImageBatch : IDisposable
{
    internal ImageBatch(Tensor images, long[] labels, int[] indices) =>
        (Images, Labels, Indices) = (images, labels, indices);

    /// <summary>Normalised images, float32 <c>[B, 3, S, S]</c> on the CPU. In no dispose scope: the batch owns it.</summary>
    public Tensor Images { get; }

    /// <summary>Labels, one for each image.</summary>
    public long[] Labels { get; }

    /// <summary>Positions of the images in their source.</summary>
    public int[] Indices { get; }

    /// <summary>Number of images B.</summary>
    public int Count => Indices.Length;

    /// <inheritdoc/>
    public void Dispose() => Images.Dispose();
}
