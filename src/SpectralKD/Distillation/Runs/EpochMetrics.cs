namespace SpectralKD.Distillation;

/// <summary>
/// What one epoch came to. The reference's <c>log.txt</c> holds the same numbers under its own names (given in brackets), so both read alike.
/// </summary>
public sealed record EpochMetrics
{
    /// <summary>0-based epoch (<c>epoch</c>).</summary>
    public required int Epoch { get; init; }

    /// <summary>Learning rate of the epoch (<c>train_lr</c>).</summary>
    public required double LearningRate { get; init; }

    /// <summary>Mean loss of the training steps (<c>train_loss</c>).</summary>
    public required double Loss { get; init; }

    /// <summary>Mean weighed label term (<c>train_loss_base</c>); null where the log has none.</summary>
    public double? LabelLoss { get; init; }

    /// <summary>Mean weighed alignment term (<c>train_loss_fft</c>); null where nothing is aligned.</summary>
    public double? AlignmentLoss { get; init; }

    /// <summary>Mean weighed KD term (<c>train_loss_dist</c>); null where the method has none.</summary>
    public double? LogitLoss { get; init; }

    /// <summary>Mean cross entropy of the validation images (<c>test_loss</c>); null without validation.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Validation top-1 in percent (<c>test_acc1</c>).</summary>
    public double? Top1 { get; init; }

    /// <summary>Validation top-5 in percent (<c>test_acc5</c>).</summary>
    public double? Top5 { get; init; }

    /// <summary>The same cross entropy with the averaged weights (<c>test_loss_ema</c>, not in the reference's logs).</summary>
    public double? AverageValidationLoss { get; init; }

    /// <summary>Validation top-1 in percent with the averaged weights (<c>test_acc1_ema</c>, not in the reference's logs).</summary>
    public double? AverageTop1 { get; init; }

    /// <summary>Validation top-5 in percent with the averaged weights (<c>test_acc5_ema</c>, not in the reference's logs).</summary>
    public double? AverageTop5 { get; init; }

    /// <summary>Trainable parameters of the student (<c>n_parameters</c>).</summary>
    public long? Parameters { get; init; }

    /// <summary>Seconds of training in this epoch, validation not counted (<c>train_seconds</c>, not in the reference's logs).</summary>
    public double? Seconds { get; init; }

    /// <summary>Training images a second (<c>train_images_per_second</c>, not in the reference's logs).</summary>
    public double? ImagesPerSecond { get; init; }
}
