namespace SpectralKD.Models;

/// <summary>One model that can be created by name.</summary>
public sealed record ModelCatalogEntry
{
    /// <summary>The model's sizes at its own image size, class count and preprocessing.</summary>
    public required ModelSpec Spec { get; init; }

    /// <summary>The published weights that the name stands for (the first tag, or the tag that was asked for); null for none.</summary>
    public PretrainedWeights? Weights { get; init; }

    /// <summary>All published weights of this model that are known here, timm's default first.</summary>
    public IReadOnlyList<PretrainedWeights> Published { get; init; } = [];

    /// <summary>timm name without tag.</summary>
    public string Name => Spec.Name;

    /// <summary><c>ViT</c>, <c>DeiT</c>, <c>CaiT</c> or <c>Swin</c>.</summary>
    public string Family => Spec.Family;

    /// <summary>Trained numbers and forward cost.</summary>
    public ModelFigures Figures => field ??= ModelFigures.Of(Spec);

    /// <summary>Trained numbers.</summary>
    public long Parameters => Figures.Parameters;

    /// <summary>The blocks (stages for Swin) with the shapes of their feature maps.</summary>
    public IReadOnlyList<BlockInfo> Blocks => [.. Figures.Blocks.Select(figures => figures.Block)];

    /// <summary>Channels of the feature maps: one number, or one for each stage.</summary>
    public IReadOnlyList<int> Dims => [.. Blocks.Select(block => block.Channels).Distinct()];
}
