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

    /// <summary>How images are prepared for this model.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.ImageNet;
}
