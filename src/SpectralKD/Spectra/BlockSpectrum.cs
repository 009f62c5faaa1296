using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// The spectra of one block's feature maps <c>[B, C, H, W]</c>, summed over images. All figures are means over all images, whatever the
/// batches they came in. Activations have no unit, so amplitudes have none either.
/// </summary>
public sealed record BlockSpectrum
{
    /// <summary>0-based position of the block in its model.</summary>
    public required int Index { get; init; }

    /// <summary>timm's module path, for example <c>blocks.3</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Channels C of the feature map.</summary>
    public required int Channels { get; init; }

    /// <summary>Rows H of the feature map.</summary>
    public required int Height { get; init; }

    /// <summary>Columns W of the feature map.</summary>
    public required int Width { get; init; }

    /// <summary>Number of images summed.</summary>
    public required long Images { get; init; }

    /// <summary>Sums of the spatial domain; null where it was not analysed.</summary>
    public SpatialSums? Spatial { get; init; }

    /// <summary>Sums of the channel domain; null where it was not analysed.</summary>
    public ChannelSums? Channel { get; init; }

    /// <summary>Sums of the activation entropy; null where it was not analysed.</summary>
    public EntropySums? Entropy { get; init; }

    /// <summary>Spectral intensity: the spatial one where it was analysed, else the channel one; null without both.</summary>
    public double? Intensity => SpatialIntensity ?? ChannelIntensity;

    /// <summary>Standard deviation of <see cref="Intensity"/> over the images (n - 1 in the divisor); 0 for a single image.</summary>
    public double? IntensityDeviation => (Spatial?.Intensities ?? Channel?.Intensities)?.StandardDeviation(Images);

    /// <summary>Mean of <c>A = |fft2(X)|</c> (orthonormal) over images, channels and frequencies.</summary>
    public double? SpatialIntensity => AmplitudeMap?.Average();

    /// <summary>Uniformity: entropy of the mean power spectrum, divided by <c>ln(H * W)</c>; 0 one frequency, 1 white noise.</summary>
    public double? Uniformity => PowerMap is { } power ? SpectralEntropy.Normalized(power) : null;

    /// <summary>Share of the power at radii above <see cref="HighFrequencyThreshold"/>, in [0, 1].</summary>
    public double? HighFrequencyRatio => PowerMap is { } power ? Layout.ShareBeyondThreshold(power) : null;

    /// <summary>Radius above which a frequency counts as high, cycles per map: half of <c>floor(min(H, W) / 2)</c>.</summary>
    public double HighFrequencyThreshold => Layout.Threshold;

    /// <summary>Highest frequency that both axes hold, cycles per map: <c>floor(min(H, W) / 2)</c>, at least 1.</summary>
    [JsonIgnore]
    public double NyquistRadius => Math.Max(1, Math.Min(Height, Width) / 2);

    /// <summary>Sum of the mean power spectrum; by Parseval the sum over H and W of the mean squared activation.</summary>
    public double? TotalPower => PowerMap?.Total();

    /// <summary>Mean of <c>|fft(X over C)| / C</c> over images, tokens and frequencies: the authors' intensity.</summary>
    public double? ChannelIntensity => ChannelSpectrum?.Average();

    /// <summary>Mean of the activation entropy over images and tokens, in bits (at most log2 of 100, 6.64).</summary>
    public double? ActivationEntropy => Entropy is { } entropy ? entropy.Bits / entropy.Tokens : null;

    /// <summary>Mean of A over images and channels, H * W values, row-major, zero frequency at <c>[H / 2][W / 2]</c>.</summary>
    [JsonIgnore]
    public ImmutableArray<double>? AmplitudeMap => Spatial?.Amplitude.Over((double)Images * Channels);

    /// <summary>Mean of A squared over images and channels, laid out as <see cref="AmplitudeMap"/>.</summary>
    [JsonIgnore]
    public ImmutableArray<double>? PowerMap => Spatial?.Power.Over((double)Images * Channels);

    /// <summary>Mean amplitude over each ring of equal radius; index r holds the radii from r - 0.5 up to r + 0.5 cycles per map.</summary>
    [JsonIgnore]
    public ImmutableArray<double>? RadialAmplitude => AmplitudeMap is { } map ? Layout.RingMeans(map) : null;

    /// <summary>Mean power over each ring, binned as <see cref="RadialAmplitude"/>.</summary>
    [JsonIgnore]
    public ImmutableArray<double>? RadialPower => PowerMap is { } map ? Layout.RingMeans(map) : null;

    /// <summary>Number of frequencies in each ring of <see cref="RadialAmplitude"/>.</summary>
    [JsonIgnore]
    public ImmutableArray<int> RadialCounts => Layout.Counts;

    /// <summary>
    /// Mean of <c>|fft(X over C)| / C</c> over images and tokens, C values, frequency 0 first. Real activations make it symmetric:
    /// everything is said by k &lt; C / 2, which is what plots show.
    /// </summary>
    [JsonIgnore]
    public ImmutableArray<double>? ChannelSpectrum => Channel?.Magnitude.Over((double)Images * Height * Width * Channels);

    private SpectralLayout Layout => SpectralLayout.Of(Height, Width);

    /// <summary>The block as its model describes it, with the shape of the maps that were analysed.</summary>
    public BlockInfo ToBlockInfo() => new(Index, Name, Channels, Height, Width);

    internal BlockSpectrum Plus(BlockSpectrum other) => this with
    {
        Images = Images + other.Images,
        Spatial = Spatial?.Plus(other.Spatial!),
        Channel = Channel?.Plus(other.Channel!),
        Entropy = Entropy?.Plus(other.Entropy!),
    };
}
