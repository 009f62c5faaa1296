namespace SpectralKD.Distillation;

/// <summary>
/// How the terms of the loss are weighed: <c>(1 - Alpha) labels + Alpha KD + Beta * WFft * alignment</c>. Defaults are the recipes' of the paper.
/// </summary>
public sealed record LossWeights
{
    /// <summary>What the student learns from.</summary>
    public DistillationMethod Method { get; init; } = DistillationMethod.Soft;

    /// <summary>How the maps' distance is computed.</summary>
    public AlignmentForm Form { get; init; } = AlignmentForm.ClosedForm;

    /// <summary>Weight of KD against labels, in [0, 1] (<c>--distillation-alpha</c>). The method none takes no notice of it.</summary>
    public double Alpha { get; init; } = 0.9;

    /// <summary>Weight of alignment, 0 or more (<c>--distillation-beta</c>), times <see cref="WFft"/>.</summary>
    public double Beta { get; init; } = 1;

    /// <summary>Weight of alignment, 0 or more (<c>--w-fft</c>): 0.2 for DeiT students, 0.05 for Swin.</summary>
    public double WFft { get; init; } = 0.2;

    /// <summary>Temperature of soft distillation, above 0 (<c>--distillation-tau</c>).</summary>
    public double Tau { get; init; } = 1;

    /// <summary>Label smoothing of the label term, in [0, 1) (<c>--smoothing</c>).</summary>
    public double Smoothing { get; init; } = 0.1;
}
