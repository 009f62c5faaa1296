namespace SpectralKD.Data;

/// <summary>
/// timm's evaluation transform: shorter side resized to <c>floor(size / CropFraction)</c> with PIL's antialiased bicubic filter,
/// centre crop, division by 255, normalisation.
/// </summary>
public sealed record Preprocessing
{
    /// <summary>ImageNet mean and standard deviation with timm's default crop fraction 0.9 (DeiT, Swin).</summary>
    public static Preprocessing ImageNet { get; } = new();

    /// <summary>timm's <c>crop_pct</c>, in (0, 1]: 0.9 for DeiT and Swin, 1.0 for CaiT.</summary>
    public double CropFraction { get; init; } = 0.9;

    /// <summary>Mean of each channel (R, G, B), in [0, 1].</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of each channel (R, G, B), in (0, 1].</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.229f, 0.224f, 0.225f];
}
