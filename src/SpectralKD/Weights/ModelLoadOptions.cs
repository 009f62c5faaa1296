using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>
    /// <c>pretrained</c>, <c>seeded</c> or <c>seeded:N</c> (timm's initialisation), a file of weights, or whatever else
    /// <see cref="WeightSource.Parse"/> takes.
    /// </summary>
    public string Weights { get; init; } = "pretrained";

    /// <summary>Number of classes; where it differs from the weights' the head is made afresh. Null: the weights' own.</summary>
    public int? Classes { get; init; }

    /// <summary>Side of the input images in pixels; position embeddings are interpolated to it. Null: the model's own.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Device to put the model on. Null: the default one.</summary>
    public Device? Device { get; init; }
}
