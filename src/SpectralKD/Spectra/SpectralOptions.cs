using TorchSharp;

namespace SpectralKD.Spectra;

/// <summary>How a model is analysed.</summary>
public sealed record SpectralOptions
{
    /// <summary>The transforms to take; one pass serves both.</summary>
    public SpectralDomain Domain { get; init; } = SpectralDomain.Spatial;

    /// <summary>Where in each block the maps are taken: the residual stream after it, a branch, or the stream between the branches.</summary>
    public MapPoint At { get; init; }

    /// <summary>0-based blocks to analyse, negative ones counted from the end; null takes all.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>
    /// Images in one forward pass, at least 1. The figures do not depend on it. Null takes what suits the model and its device: on a CPU as many as keep the largest
    /// layer's values within a processor's cache, on a GPU 64.
    /// </summary>
    public int? BatchSize { get; init; }

    /// <summary>Threads that decode images ahead of the model, at least 1. The figures do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>The part of the image source to analyse, so that a data set can be split over machines; null takes all of it.</summary>
    public DataShard? Shard { get; init; }

    /// <summary>
    /// Whether to compute the activation entropy, which takes a second pass over the images unless <see cref="EntropyRange"/> is given.
    /// Null computes it where the channel domain is analysed, as the authors do.
    /// </summary>
    public bool? ActivationEntropy { get; init; }

    /// <summary>Whether to keep the intensity of every single image (<see cref="ModelSpectrum.PerImage"/>): 8 bytes for each image and block.</summary>
    public bool PerImage { get; init; }

    /// <summary>
    /// Range of the activation entropy's bins; values beyond it count in the outer bins. Null takes the range of the analysed images and blocks. Parts
    /// of one data set have to share a range for their entropies to merge: see <see cref="ModelSpectrum.Activations"/>.
    /// </summary>
    public ActivationRange? EntropyRange { get; init; }

    /// <summary>
    /// Numbers in which the model computes; the spectra are taken in float64 whatever they are. Null leaves the model as it is. What bfloat16 does to the figures
    /// stands in docs/gpu.md; <see cref="Native.FastBFloat16"/> knows whether it pays.
    /// </summary>
    public ModelPrecision? Precision { get; init; }

    /// <summary>
    /// File that keeps what was computed: written at a stop and every half minute, so that a kill loses no more. Where it is there, the analysis goes on from it, and
    /// ends in the bits of one that was never stopped. It stays at the end until the caller, who has the spectrum then, deletes it. Null keeps nothing.
    /// </summary>
    public string? ResumeFile { get; init; }

    /// <summary>The device the model is expected on; null takes it where it is.</summary>
    public torch.Device? Device { get; init; }

    /// <summary>The images that go through a model at once.</summary>
    internal int BatchFor(VisionModel model) => BatchSize ?? AnalysisBatchSize.Of(model.Spec, model.AnyWeight.device_type);

    internal bool WantsEntropy => ActivationEntropy ?? (EntropyRange is not null || Domain.HasFlag(SpectralDomain.Channel));
}

/// <summary>How many images one forward pass of an analysis takes where nobody has said.</summary>
internal static class AnalysisBatchSize
{
    private const long Cache = 8L << 20;
    private const int Most = 32;
    private const int Least = 2; // one image alone does not fill several cores
    private const int OnGpu = 64;

    /// <summary>
    /// A power of two from 2 to 32 on a CPU: the largest that keeps the widest values of a block, the MLP's hidden ones or queries, keys and values, within 8 MB. Larger batches
    /// are no faster there, since every value then comes from memory, and need more of it.
    /// </summary>
    internal static int Of(ModelSpec spec, DeviceType device)
    {
        if (device != DeviceType.CPU)
        {
            return OnGpu;
        }

        var widest = spec.WidestValue * sizeof(float);
        var batch = Most;
        while (batch > Least && batch * widest > Cache)
        {
            batch /= 2;
        }

        return batch;
    }
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
