using TorchSharp;

namespace SpectralKD.Spectra;

/// <summary>How a model is analysed.</summary>
public sealed record SpectralOptions
{
    /// <summary>The transforms to take; one pass serves both.</summary>
    public SpectralDomain Domain { get; init; } = SpectralDomain.Spatial;

    /// <summary>0-based blocks to analyse, negative ones counted from the end; null takes all.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>Images in one forward pass, at least 1. The figures do not depend on it.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Threads that decode images ahead of the model, at least 1. The figures do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>The part of the image source to analyse, so that a data set can be split over machines; null takes all of it.</summary>
    public DataShard? Shard { get; init; }

    /// <summary>
    /// Whether to compute the activation entropy, which takes a second pass over the images unless <see cref="EntropyRange"/> is given.
    /// Null computes it where the channel domain is analysed, as the authors do.
    /// </summary>
    public bool? ActivationEntropy { get; init; }

    /// <summary>
    /// Range of the activation entropy's bins; values beyond it count in the outer bins. Null takes the range of the analysed images and blocks. Parts
    /// of one data set have to share a range for their entropies to merge: see <see cref="ModelSpectrum.Activations"/>.
    /// </summary>
    public ActivationRange? EntropyRange { get; init; }

    /// <summary>
    /// Numbers in which the model computes; the spectra are taken in float64 whatever they are. Null leaves the model as it is. What bfloat16 does to the figures
    /// stands in docs/precision.md; <see cref="Native.FastBFloat16"/> knows whether it pays.
    /// </summary>
    public ModelPrecision? Precision { get; init; }

    /// <summary>The device the model is expected on; null takes it where it is.</summary>
    public torch.Device? Device { get; init; }

    internal bool WantsEntropy => ActivationEntropy ?? (EntropyRange is not null || Domain.HasFlag(SpectralDomain.Channel));
}

/// <summary>Along which axes of a feature map <c>[B, C, H, W]</c> the Fourier transform is taken.</summary>
[Flags]
public enum SpectralDomain
{
    /// <summary>No transform: only the activation entropy, where a range for it is given.</summary>
    None = 0,

    /// <summary>Two-dimensional transform over H and W, orthonormal (divided by <c>sqrt(H * W)</c>): spatial frequencies.</summary>
    Spatial = 1,

    /// <summary>Transform over the channels C, divided by C: what SpectralKD's released analysis computes.</summary>
    Channel = 2,

    /// <summary>Both transforms in one pass; figures that exist in both are the spatial ones.</summary>
    Both = Spatial | Channel,
}
