namespace SpectralKD.Weights;

/// <summary>How <see cref="WeightLoader"/> treats what does not fit.</summary>
public sealed record LoadOptions
{
    /// <summary>Every difference is an error.</summary>
    public static LoadOptions Strict { get; } = new();

    /// <summary>
    /// True keeps the model's own fresh head where the file's has another number of classes (or none at all), as timm does
    /// when <c>num_classes</c> differs from the checkpoint's. Only the head's rows may differ, never its inputs.
    /// </summary>
    public bool AllowHeadMismatch { get; init; }
}
