using SpectralKD.Data;

namespace SpectralKD.Models;

/// <summary>What every model family has in common; each family derives its own record with its sizes.</summary>
public abstract record ModelSpec
{
    /// <summary>timm name without tag, for example <c>deit_tiny_patch16_224</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Family in the user's words: <c>ViT</c>, <c>DeiT</c>, <c>CaiT</c>, <c>Swin</c>.</summary>
    public abstract string Family { get; }

    /// <summary>Side of the square input image in pixels.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Number of classes (rows of the head).</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>
    /// Stochastic depth rate in [0, 1), active in training mode only. ViT and Swin raise it linearly from 0 in the first block to
    /// this value in the last; CaiT uses it in every block. 0 switches it off.
    /// </summary>
    public double DropPath { get; init; }

    /// <summary>How images are prepared for this model.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.ImageNet;
}
