namespace SpectralKD.Models;

/// <summary>Sizes of a CaiT (arXiv 2103.17239): talking-heads blocks on patch tokens, then class-attention blocks on the class token.</summary>
public sealed record CaitSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "CaiT";

    /// <summary>Side of a square patch in pixels; divides <see cref="ModelSpec.ImageSize"/>.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels C of every token; a multiple of <see cref="Heads"/>.</summary>
    public required int EmbedDim { get; init; }

    /// <summary>Number of blocks on patch tokens.</summary>
    public int Depth { get; init; } = 24;

    /// <summary>Number of class-attention blocks.</summary>
    public int ClassDepth { get; init; } = 2;

    /// <summary>Attention heads in each block.</summary>
    public required int Heads { get; init; }

    /// <summary>Hidden channels of the MLP as a multiple of <see cref="EmbedDim"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Initial layer scale of the residual branches.</summary>
    public double LayerScale { get; init; } = 1e-5;

    /// <summary>Patches along one side of the image.</summary>
    public int GridSize => ImageSize / PatchSize;
}
