namespace SpectralKD.Distillation;

/// <summary>Sums of an epoch's losses over its steps so far.</summary>
internal sealed record LossSums
{
    public int Steps { get; init; }

    public double Labels { get; init; }

    public double? Alignment { get; init; }

    public double? Logits { get; init; }

    public double Seconds { get; init; }

    public LossSums Plus(LossValues values, double seconds) => new()
    {
        Steps = Steps + 1,
        Labels = Labels + values.Labels,
        Alignment = values.Alignment is { } alignment ? (Alignment ?? 0) + alignment : null,
        Logits = values.Logits is { } logits ? (Logits ?? 0) + logits : null,
        Seconds = Seconds + seconds,
    };

    public LossValues Means() => new(Labels / Steps, Alignment / Steps, Logits / Steps);
}
