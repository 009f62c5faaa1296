namespace SpectralKD.Interactive.Charting;

/// <summary>The words for a log's column.</summary>
/// <param name="Title">Name of the figure.</param>
/// <param name="Axis">Name with its unit.</param>
/// <param name="HigherIsBetter">True, false, or null where there is no better: a part of a loss can be small because it counts little.</param>
internal sealed record MetricWords(string Title, string Axis, bool? HigherIsBetter)
{
    /// <summary>A value in a legend: percents with two decimals, as papers give them; else four digits.</summary>
    internal string Text(double value)
        => HigherIsBetter == true ? FormattableString.Invariant($"{value:0.00}") : FormattableString.Invariant($"{value:G4}");

    internal static MetricWords Of(string metric) => metric switch
    {
        "test_acc1" => new("Top-1 accuracy", "Top-1 accuracy (%, validation images)", true),
        "test_acc5" => new("Top-5 accuracy", "Top-5 accuracy (%, validation images)", true),
        "test_loss" => new("Validation loss", "Loss (nats, validation images)", false),
        "train_loss" => new("Training loss", "Training loss (total)", false),
        "train_loss_base" => new("Label loss", "Labels' part of the loss", null),
        "train_loss_fft" => new("Alignment loss", "Alignment part of the loss", null),
        "train_loss_dist" => new("Distillation loss", "Logits' part of the loss", null),
        "train_lr" => new("Learning rate", "Learning rate", null),
        _ => new(metric.Length > 0 ? char.ToUpperInvariant(metric[0]) + metric[1..] : metric, metric, null),
    };
}
