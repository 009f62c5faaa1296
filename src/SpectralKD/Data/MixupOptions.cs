namespace SpectralKD.Data;

/// <summary>Mixing of the images of a batch in pairs, in timm's terms; the defaults are DeiT's.</summary>
public sealed record MixupOptions
{
    /// <summary>Both Beta parameters of mixup's share; 0 turns mixup off.</summary>
    public double MixupAlpha { get; init; } = 0.8;

    /// <summary>Both Beta parameters of cutmix's share; 0 turns cutmix off.</summary>
    public double CutmixAlpha { get; init; } = 1.0;

    /// <summary>Probability that a batch is mixed at all.</summary>
    public double Probability { get; init; } = 1.0;

    /// <summary>Probability of cutmix rather than mixup where both are on.</summary>
    public double SwitchProbability { get; init; } = 0.5;
}
