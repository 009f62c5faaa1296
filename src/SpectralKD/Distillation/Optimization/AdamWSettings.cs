namespace SpectralKD.Distillation;

/// <summary>Settings of AdamW; the defaults are the reference's.</summary>
public sealed record AdamWSettings
{
    /// <summary>Weight decay of the parameters that take any, 0 or more (<c>--weight-decay</c>).</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Decay of the first moment, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment, above 0 (<c>--opt-eps</c>).</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Largest l2 norm of all gradients together; larger ones are scaled down to it. Null does not clip (<c>--clip-grad</c>).</summary>
    public double? ClipNorm { get; init; }
}
