using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>Finds how a stored tensor of another shape becomes the model's, where timm has a rule for it.</summary>
internal class WeightAdapter
{
    /// <summary>No rule at all: every other shape is an error.</summary>
    public static WeightAdapter None { get; } = new();

    /// <summary>The adaptation of a stored tensor to the wanted shape, or null if there is none.</summary>
    public virtual Func<Tensor, Tensor>? Find(string key, TensorInfo stored, IReadOnlyList<long> wanted) => null;
}
