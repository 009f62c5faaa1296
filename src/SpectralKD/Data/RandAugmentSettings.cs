namespace SpectralKD.Data;

/// <summary>Strength of RandAugment, in timm's terms; the defaults are DeiT's <c>rand-m9-mstd0.5-inc1</c>.</summary>
public sealed record RandAugmentSettings
{
    /// <summary>Mean magnitude, 0 to 10 (<c>m</c>).</summary>
    public double Magnitude { get; init; } = 9;

    /// <summary>Standard deviation of the magnitude (<c>mstd</c>).</summary>
    public double MagnitudeDeviation { get; init; } = 0.5;

    /// <summary>Operations drawn for each image (<c>n</c>).</summary>
    public int Layers { get; init; } = 2;
}
