namespace SpectralKD.Models;

/// <summary>Sizes of a vision transformer (arXiv 2010.11929) in its ViT, DeiT (2012.12877) and DeiT-III (2204.07118) forms.</summary>
public sealed record VisionTransformerSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => Name.StartsWith("deit", StringComparison.Ordinal) ? "DeiT" : "ViT";

    /// <summary>Side of a square patch in pixels; divides <see cref="ModelSpec.ImageSize"/>.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels C of every token; a multiple of <see cref="Heads"/>.</summary>
    public required int EmbedDim { get; init; }

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Hidden channels of the MLP as a multiple of <see cref="EmbedDim"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Initial layer scale of the residual branches (DeiT-III: 1e-6); null for none.</summary>
    public double? LayerScale { get; init; }

    /// <summary>True for DeiT's distilled form: a second token and a second head, whose logits are averaged.</summary>
    public bool Distilled { get; init; }

    /// <summary>True where the class token has a position embedding too (ViT, DeiT); false for DeiT-III.</summary>
    public bool ClassPosition { get; init; } = true;

    /// <summary>Tokens before the patch tokens: 1, or 2 when distilled.</summary>
    public int PrefixTokens => Distilled ? 2 : 1;

    /// <summary>Patches along one side of the image.</summary>
    public int GridSize => ImageSize / PatchSize;
}
