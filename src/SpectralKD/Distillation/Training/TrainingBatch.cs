using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>Images with labels. Owns both tensors, which belong to no dispose scope.</summary>
public sealed class TrainingBatch : IDisposable
{
    /// <summary>Takes over two tensors.</summary>
    /// <param name="images">Normalised images, float <c>[B, 3, S, S]</c>.</param>
    /// <param name="labels">Class indices int64 <c>[B]</c>, or probabilities float <c>[B, K]</c>.</param>
    public TrainingBatch(Tensor images, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        (Images, Labels) = (images.DetachFromDisposeScope(), labels.DetachFromDisposeScope());
    }

    /// <summary>Normalised images, float <c>[B, 3, S, S]</c>.</summary>
    public Tensor Images { get; }

    /// <summary>Class indices int64 <c>[B]</c>, or probabilities float <c>[B, K]</c>.</summary>
    public Tensor Labels { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }
}
