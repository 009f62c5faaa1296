using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>
/// A block's intensity as a product. With F the orthonormal transform of n values x and <c>a = |F|</c>, Parseval's theorem gives <c>mean a^2 = mean x^2</c>, so
/// <c>mean a = kappa * RMS(x)</c> with <c>kappa = mean a / sqrt(mean a^2)</c>: how large the activations are, times how evenly their frequencies share it.
/// </summary>
public sealed record IntensityParts
{
    /// <summary>0-based position of the block in its model.</summary>
    public required int Index { get; init; }

    /// <summary>timm's module path, for example <c>blocks.3</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The intensity: <c>Kappa * Rms / Scale</c>.</summary>
    public required double Intensity { get; init; }

    /// <summary>Root of the mean squared activation over images, channels, rows and columns.</summary>
    public required double Rms { get; init; }

    /// <summary>
    /// Mean amplitude over the root of the mean squared one, from <c>1 / sqrt(n)</c> (one frequency) to 1 (all equal). Random phases and sizes, as of a Gaussian, give
    /// <c>sqrt(pi) / 2 = 0.886</c>.
    /// </summary>
    public required double Kappa { get; init; }

    /// <summary>What the intensity is divided by beyond the orthonormal transform: 1 in the spatial domain, <c>sqrt(C)</c> in the authors' channel one.</summary>
    public required double Scale { get; init; }

    /// <summary>Share of the power in the maps' means over space, in [0, 1]; null in the channel domain.</summary>
    public double? MeanShare { get; init; }

    /// <summary>Kappa of the maps without their means over space; null in the channel domain.</summary>
    public double? KappaWithoutMean { get; init; }

    /// <summary>Geometric over arithmetic mean of the mean power spectrum, in [0, 1]; null in the channel domain.</summary>
    public double? Flatness { get; init; }

    /// <summary>The same without the frequency 0, which is the maps' means; null in the channel domain and for maps of one place.</summary>
    public double? FlatnessWithoutMean { get; init; }
}

/// <summary>
/// A U-curve as the product of two curves, the activations' RMS and the spectrum's kappa, and how much of its shape each of them makes:
/// <c>log intensity = log RMS + log kappa</c>, up to a constant.
/// </summary>
/// <example><code>
/// var spectrum = ModelSpectrum.Load("deit.json");
/// var parts = IntensityDecomposition.Of(spectrum);
/// Console.WriteLine($"{parts.AmplitudeShare:P0} of the curve is the size of the activations");
/// foreach (var block in parts.Blocks)
/// {
///     Console.WriteLine($"{block.Name}: {block.Intensity:G4} = {block.Rms:G4} x {block.Kappa:G4}");
/// }
/// </code></example>
public sealed record IntensityDecomposition
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Whose intensity: spatial or channel.</summary>
    public required SpectralDomain Domain { get; init; }

    /// <summary>The blocks in order of depth.</summary>
    public required ImmutableArray<IntensityParts> Blocks { get; init; }

    /// <summary>Variance of <c>ln intensity</c> over the blocks (their number in the divisor).</summary>
    public double LogVariance => Covariance(Log(block => block.Intensity * block.Scale), Log(block => block.Intensity * block.Scale));

    /// <summary>Variance of <c>ln RMS</c> over the blocks.</summary>
    public double RmsLogVariance => Covariance(Log(block => block.Rms), Log(block => block.Rms));

    /// <summary>Variance of <c>ln kappa</c> over the blocks.</summary>
    public double KappaLogVariance => Covariance(Log(block => block.Kappa), Log(block => block.Kappa));

    /// <summary>Covariance of <c>ln RMS</c> and <c>ln kappa</c>: LogVariance = RmsLogVariance + KappaLogVariance + 2 times this.</summary>
    public double LogCovariance => Covariance(Log(block => block.Rms), Log(block => block.Kappa));

    /// <summary>
    /// Share of the curve's shape that is amplitude: <c>Cov(ln RMS, ln intensity) / Var(ln intensity)</c>. With kappa's share it adds up to 1; above 1 kappa works
    /// against the curve, below 0 the amplitude does. Null for a curve that is constant.
    /// </summary>
    public double? AmplitudeShare => LogVariance > 1e-20 ? (RmsLogVariance + LogCovariance) / LogVariance : null;

    /// <summary>Takes a spectrum's curve apart.</summary>
    /// <param name="spectrum">Spectra with the spatial domain.</param>
    /// <param name="domain">Whose intensity; the channel domain's needs both, since the RMS comes from the spatial one.</param>
    /// <exception cref="SpectralKDException">The domain was not analysed, or a block has no activation but zero.</exception>
    public static IntensityDecomposition Of(ModelSpectrum spectrum, SpectralDomain domain = SpectralDomain.Spatial)
    {
        var needed = domain == SpectralDomain.Channel ? SpectralDomain.Both : SpectralDomain.Spatial;
        if (domain is not (SpectralDomain.Spatial or SpectralDomain.Channel) || !spectrum.Domain.HasFlag(needed))
        {
            throw new SpectralKDException(domain is SpectralDomain.Spatial or SpectralDomain.Channel
                ? $"{spectrum.Model} was analysed in the {spectrum.Domain} domain, but taking its {domain} intensity apart needs {needed}: analyse it again with that domain"
                : $"an intensity is of the Spatial or of the Channel domain, not of {domain}: name one of them");
        }

        return new IntensityDecomposition
        {
            Model = spectrum.Title,
            Domain = domain,
            Blocks = [.. spectrum.Blocks.Select(block => domain == SpectralDomain.Spatial ? Spatial(block) : Channel(block))],
        };
    }

    private static IntensityParts Spatial(BlockSpectrum block)
    {
        var (amplitude, power) = (block.AmplitudeMap!.Value, block.PowerMap!.Value);
        var zero = ((block.Height / 2) * block.Width) + (block.Width / 2);
        var (cells, rest) = ((double)power.Length, power.Total() - power[zero]);
        var rms = RmsOf(block);
        return new IntensityParts
        {
            Index = block.Index,
            Name = block.Name,
            Intensity = block.SpatialIntensity!.Value,
            Rms = rms,
            Kappa = block.SpatialIntensity!.Value / rms,
            Scale = 1,
            MeanShare = power[zero] / power.Total(),
            KappaWithoutMean = rest > 0 ? (amplitude.Total() - amplitude[zero]) / cells / Math.Sqrt(rest / cells) : null,
            Flatness = RankFigures.Flatness(power),
            FlatnessWithoutMean = rest > 0 ? RankFigures.Flatness(power.RemoveAt(zero)) : null,
        };
    }

    private static IntensityParts Channel(BlockSpectrum block) => new()
    {
        Index = block.Index,
        Name = block.Name,
        Intensity = block.ChannelIntensity!.Value,
        Rms = RmsOf(block),
        Kappa = block.ChannelIntensity!.Value * Math.Sqrt(block.Channels) / RmsOf(block),
        Scale = Math.Sqrt(block.Channels),
    };

    private static double RmsOf(BlockSpectrum block) => Math.Sqrt(block.TotalPower!.Value / (block.Height * block.Width)) is > 0 and var rms
        ? rms
        : throw new SpectralKDException($"{block.Name}: every activation is zero, so its intensity cannot be taken apart; leave this block out (Layers)");

    private double[] Log(Func<IntensityParts, double> value) => [.. Blocks.Select(block => Math.Log(value(block)))];

    private static double Covariance(double[] left, double[] right)
    {
        var (one, two) = (left.Average(), right.Average());
        return left.Zip(right, (a, b) => (a - one) * (b - two)).Average();
    }
}
