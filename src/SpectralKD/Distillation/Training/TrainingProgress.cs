namespace SpectralKD.Distillation;

/// <summary>What a run does at the moment.</summary>
public enum TrainingPhase
{
    /// <summary>Before the first step.</summary>
    Preparing,

    /// <summary>A step was made.</summary>
    Training,

    /// <summary>Validation images are being classified.</summary>
    Validating,

    /// <summary>An epoch is complete, with its metrics.</summary>
    EpochDone,

    /// <summary>The run is complete or was stopped.</summary>
    Finished,
}

/// <summary>News of a run, reported after every step and at the ends of epochs, on the training thread.</summary>
public sealed record TrainingProgress
{
    /// <summary>What has just happened.</summary>
    public required TrainingPhase Phase { get; init; }

    /// <summary>0-based epoch.</summary>
    public int Epoch { get; init; }

    /// <summary>Epochs of the run.</summary>
    public int Epochs { get; init; }

    /// <summary>Steps of the epoch that are done.</summary>
    public int Step { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch { get; init; }

    /// <summary>Steps of the run that are done.</summary>
    public long TotalSteps { get; init; }

    /// <summary>Terms of the last step's loss; null before the first.</summary>
    public LossValues? Loss { get; init; }

    /// <summary>Means of the terms over the epoch so far; null before its first step.</summary>
    public LossValues? EpochLoss { get; init; }

    /// <summary>The gradients' norm before clipping; null where nothing is clipped.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public double LearningRate { get; init; }

    /// <summary>Training images a second, a running mean of this process's steps; 0 before the first.</summary>
    public double ImagesPerSecond { get; init; }

    /// <summary>Estimated time left, validation not counted; null before the first step.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Metrics of the epoch that has just ended.</summary>
    public EpochMetrics? Metrics { get; init; }

    /// <summary>A warning that has just come up, or null.</summary>
    public string? Warning { get; init; }

    /// <summary>What a user may want to know beforehand, such as the size of the teacher's cache; null for nothing.</summary>
    public string? Note { get; init; }
}

/// <summary>Notices what a user should know about a run while it goes on.</summary>
internal static class TrainingWatch
{
    /// <summary>Steps over which the terms are compared.</summary>
    public const int Steps = 10;

    /// <summary>A warning where the alignment term outweighs KD over the first steps; else null.</summary>
    /// <param name="means">The means.</param>
    /// <param name="weight">What to lower.</param>
    public static string? Balance(LossValues means, string weight = "beta or w_fft") =>
        means.Alignment is { } alignment && means.Logits is { } logits && alignment > logits
            ? FormattableString.Invariant(
                $"the alignment term ({alignment:0.###}) outweighs KD ({logits:0.###}) over the first {Steps} steps: lower {weight}")
                + FormattableString.Invariant($" (at {logits / alignment:0.##} times the present weight they would be equal)")
            : null;

    /// <summary>A warning where the teacher's spectra do not single out the first and last blocks; else null.</summary>
    public static string? Shape(ModelSpectrum teacher) => teacher.UShape.Warning is { } warning
        ? $"the teacher {teacher.Title} over {teacher.Source}: {teacher.UShape.Words}; {warning}"
        : null;
}
