using static TorchSharp.torch;

namespace SpectralKD.Models;

/// <summary>The feature map of one block: patch tokens only, the raw residual stream, NCHW.</summary>
/// <param name="Block">0-based index of the block.</param>
/// <param name="Values">float tensor <c>[B, C, H, W]</c>.</param>
public readonly record struct FeatureMap(int Block, Tensor Values);

/// <summary>What a model's forward pass returns: logits and the feature maps that were asked for.</summary>
public sealed class ModelOutput(Tensor logits, IReadOnlyList<FeatureMap> maps) : IDisposable
{
    /// <summary>Class scores before softmax, <c>[B, classes]</c>.</summary>
    public Tensor Logits { get; } = logits;

    /// <summary>The requested feature maps in ascending block order, each block once (as timm returns them).</summary>
    public IReadOnlyList<FeatureMap> Maps { get; } = maps;

    /// <summary>Hands all tensors to the enclosing dispose scope of the current one.</summary>
    public ModelOutput MoveToOuterDisposeScope()
    {
        Logits.MoveToOuterDisposeScope();
        foreach (var map in Maps)
        {
            map.Values.MoveToOuterDisposeScope();
        }

        return this;
    }

    /// <summary>Frees the logits and all maps.</summary>
    public void Dispose()
    {
        Logits.Dispose();
        foreach (var map in Maps)
        {
            map.Values.Dispose();
        }
    }
}
