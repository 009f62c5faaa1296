namespace SpectralKD.Distillation;

/// <summary>
/// The reference's learning rate: timm's cosine schedule with linear warm-up, stepped once at the end of each epoch, so that epoch e runs
/// at the schedule's value of e - 1 and epoch 0 at its initial one.
/// </summary>
public sealed record CosineSchedule
{
    /// <summary>Epochs of the cosine, at least 1; the warm-up is part of them.</summary>
    public required int Epochs { get; init; }

    /// <summary>Peak learning rate, above 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Learning rate at the end (<c>--min-lr</c>).</summary>
    public double MinimumRate { get; init; } = 1e-5;

    /// <summary>Epochs of linear warm-up, 0 or more (<c>--warmup-epochs</c>).</summary>
    public int WarmupEpochs { get; init; } = 5;

    /// <summary>Learning rate that the warm-up starts from (<c>--warmup-lr</c>).</summary>
    public double WarmupRate { get; init; } = 1e-6;

    /// <summary>Learning rate that epoch <paramref name="epoch"/> runs at.</summary>
    /// <param name="epoch">0-based.</param>
    public double InEpoch(int epoch) => epoch == 0 ? (WarmupEpochs > 0 ? WarmupRate : LearningRate) : At(epoch - 1);

    /// <summary>The schedule's value at time <paramref name="t"/> (timm's <c>_get_lr</c>; the cosine's time is not reduced by the warm-up).</summary>
    /// <param name="t">0-based epoch count.</param>
    public double At(int t)
    {
        if (t < WarmupEpochs)
        {
            return WarmupRate + (t * (LearningRate - WarmupRate) / WarmupEpochs);
        }

        return t < Epochs
            ? MinimumRate + (0.5 * (LearningRate - MinimumRate) * (1 + Math.Cos(Math.PI * t / Epochs)))
            : MinimumRate;
    }
}
