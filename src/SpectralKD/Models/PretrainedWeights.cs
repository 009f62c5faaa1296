using SpectralKD.Data;

namespace SpectralKD.Models;

/// <summary>One trained set of weights of a model: as timm 1.0.11 lists it, or carried by this library.</summary>
public sealed record PretrainedWeights
{
    /// <summary>timm's tag, for example <c>fb_in1k</c>.</summary>
    public required string Tag { get; init; }

    /// <summary>Repository on the Hugging Face hub, for example <c>timm/deit_tiny_patch16_224.fb_in1k</c>; null where this library carries them.</summary>
    public string? Repository { get; init; }

    /// <summary>Licence of the weights as the repository states it, an SPDX name in lower case.</summary>
    public required string License { get; init; }

    /// <summary>Classes of its head.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>How images are prepared for these weights.</summary>
    public required Preprocessing Preprocessing { get; init; }
}
