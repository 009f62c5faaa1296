namespace SpectralKD.Models;

/// <summary>What one block costs.</summary>
/// <param name="Block">The block and the shape of its feature map.</param>
/// <param name="Parameters">Trained numbers in it; a Swin stage counts its patch merging.</param>
/// <param name="MultiplyAdds">Multiply-adds of one image's forward pass, see <see cref="ModelFigures.MultiplyAdds"/>.</param>
public sealed record BlockFigures(BlockInfo Block, long Parameters, long MultiplyAdds);

/// <summary>The size of a model, worked out from its spec without building it (and so without libtorch).</summary>
public sealed record ModelFigures
{
    /// <summary>Trained numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>
    /// Multiply-adds of one image's forward pass: convolutions, linear layers and the matrix products of attention (padded windows
    /// included). Norms, softmax, GELU, biases and additions are not counted. Twice this number is the usual count of FLOPs.
    /// </summary>
    public required long MultiplyAdds { get; init; }

    /// <summary>Bytes that the weights take as float32.</summary>
    public long WeightBytes => Parameters * sizeof(float);

    /// <summary>The blocks (ViT, CaiT) or stages (Swin) in order.</summary>
    public required IReadOnlyList<BlockFigures> Blocks { get; init; }

    /// <summary>Counts a model.</summary>
    /// <param name="spec">One of this library's families.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together, or the family is unknown.</exception>
    public static ModelFigures Of(ModelSpec spec)
    {
        SpecRules.Check(spec);
        return spec switch
        {
            VisionTransformerSpec vit => VisionTransformerFigures.Of(vit),
            CaitSpec cait => CaitFigures.Of(cait),
            SwinSpec swin => SwinFigures.Of(swin),
            _ => throw new SpectralKDException($"{spec.Name} cannot be counted: it is none of ViT, DeiT, CaiT, Swin."),
        };
    }

    /// <summary>The blocks of a model with the shapes of their feature maps.</summary>
    /// <param name="spec">One of this library's families.</param>
    /// <exception cref="SpectralKDException">The sizes do not fit together, or the family is unknown.</exception>
    public static IReadOnlyList<BlockInfo> BlocksOf(ModelSpec spec) => [.. Of(spec).Blocks.Select(figures => figures.Block)];

    internal static ModelFigures Sum(IReadOnlyList<BlockFigures> blocks, long otherParameters, long otherMultiplyAdds) => new()
    {
        Blocks = blocks,
        Parameters = blocks.Sum(block => block.Parameters) + otherParameters,
        MultiplyAdds = blocks.Sum(block => block.MultiplyAdds) + otherMultiplyAdds,
    };
}
