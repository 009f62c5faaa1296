namespace SpectralKD.Distillation;

/// <summary>What a step reports.</summary>
/// <param name="Loss">The terms over the batch.</param>
/// <param name="GradientNorm">The gradients' norm before clipping; null where nothing is clipped.</param>
internal readonly record struct StepResult(LossValues Loss, double? GradientNorm);
