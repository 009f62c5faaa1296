using System.Text.RegularExpressions;
using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    private const int LegendLine = 20;

    /// <summary>
    /// One figure of training runs over their epochs; the legend says each run's best. Runs whose names differ in a seed alone (<c>soft, seed 0</c> and
    /// <c>soft, seed 1</c>) share a colour.
    /// </summary>
    /// <param name="runs">Training logs, at least one.</param>
    /// <param name="metric">A column of the logs: <c>test_acc1</c>, <c>test_acc5</c>, <c>train_loss</c>, <c>train_loss_fft</c>, <c>train_lr</c>, …</param>
    /// <exception cref="SpectralKDException">No run is given, one holds no training, or lacks the figure.</exception>
    public static GenericChart Runs(IReadOnlyList<RunLog> runs, string metric = "test_acc1")
    {
        ChartNeeds.Some(runs, "run");
        var words = MetricWords.Of(metric);
        var chart = new ChartBuilder($"{words.Title} by epoch", runs.Count == 1 ? runs[0].Name : $"{runs.Count} runs")
            .Layout("xaxis", EpochAxis(runs))
            .Layout("yaxis", ChartLook.Axis(words.Axis))
            .Layout("showlegend", true)
            .Layout("height", 410 + (LegendLine * runs.Count))
            .Layout("margin", new Attributes { ["l"] = 70, ["r"] = 25, ["t"] = 75, ["b"] = 75 + (LegendLine * runs.Count) })
            .Layout("legend", new Attributes { ["x"] = 0, ["xanchor"] = "left", ["y"] = -0.24, ["yanchor"] = "top", ["font"] = new Attributes { ["size"] = 13 } });
        for (var i = 0; i < runs.Count; i++)
        {
            chart.Trace("scatter", RunTraces.Of(runs[i], RunGroups.Look(runs, i), metric, words));
        }

        return chart.Build();
    }

    private static Attributes EpochAxis(IReadOnlyList<RunLog> runs)
    {
        var axis = ChartLook.Axis("Epoch (0 is the first)");
        if (runs.All(run => run.Table.Rows.Count <= 15))
        {
            axis["dtick"] = 1; // there is no half epoch
        }

        return axis;
    }

    /// <summary>The activation entropy of every layer at every checkpoint of a run, as colours.</summary>
    /// <param name="run">An entropy log.</param>
    /// <exception cref="SpectralKDException">The run holds no entropies.</exception>
    public static GenericChart EntropyHeatmap(RunLog run) => EntropyHeatmap([run]);

    /// <summary>The activation entropy of every layer at every checkpoint, one panel a run, all in one scale of colours.</summary>
    /// <param name="runs">Entropy logs, one to four.</param>
    /// <exception cref="SpectralKDException">No run is given, more than four, or one holds no entropies.</exception>
    public static GenericChart EntropyHeatmap(IReadOnlyList<RunLog> runs)
    {
        ChartNeeds.Some(runs, "run");
        if (runs.Count > 4 || runs.FirstOrDefault(run => run.Kind != RunLogKind.Entropy) is { })
        {
            throw new SpectralKDException("this chart shows the entropy CSVs of one to four runs; training logs are shown by Charts.Runs");
        }

        var chart = new ChartBuilder("Activation entropy over layers and training", runs.Count == 1 ? runs[0].Name : null)
            .Layout("height", runs.Count == 1 ? 440 : 320 + (170 * runs.Count));
        for (var i = 0; i < runs.Count; i++)
        {
            new EntropyPanel(runs[i], i, runs.Count).Add(chart);
        }

        return chart.Layout("coloraxis", new Attributes
        {
            ["colorscale"] = ChartLook.Scale,
            ["colorbar"] = new Attributes
            {
                ["title"] = new Attributes { ["text"] = "activation entropy (bits)", ["side"] = "right", ["font"] = new Attributes { ["size"] = 13 } },
                ["thickness"] = 14,
                ["outlinewidth"] = 0,
            },
        }).Build();
    }
}

/// <summary>Runs of one method with several seeds, recognised by their names.</summary>
internal static partial class RunGroups
{
    /// <summary>Which group a run belongs to, in order of appearance, and which of its members it is.</summary>
    internal static (int Group, int Member) Look(IReadOnlyList<RunLog> runs, int index)
    {
        var names = runs.Select(run => Seed().Replace(run.Name, "")).ToList();
        return (names.Distinct().ToList().IndexOf(names[index]), names.Take(index).Count(name => name == names[index]));
    }

    [GeneratedRegex(@"[\s,_-]*seed[\s_-]*\d+$", RegexOptions.IgnoreCase)]
    private static partial Regex Seed();
}

/// <summary>A training run as a curve.</summary>
internal static class RunTraces
{
    internal static Attributes Of(RunLog run, (int Group, int Member) look, string metric, MetricWords words)
    {
        if (run.Kind != RunLogKind.Training)
        {
            throw new SpectralKDException($"{run.Name} is no training log: its entropies are shown by Charts.EntropyHeatmap");
        }

        var epochs = run.Numbers(RunLog.EpochColumn);
        var values = run.Numbers(metric);
        var points = epochs.Zip(values, (epoch, value) => (Epoch: epoch!.Value, Value: value))
            .Where(point => point.Value is { } value && double.IsFinite(value)).Select(point => (point.Epoch, Value: point.Value!.Value)).ToList();
        var line = SeriesLine.Of(
            look.Group, run.Name + Best(points, words), points.Select(point => point.Epoch), points.Select(point => point.Value), markers: points.Count < 15);
        ((Attributes)line["line"]!)["width"] = 2;
        ((Attributes)line["line"]!)["dash"] = ChartLook.Dash(look.Group + look.Member);
        line["hovertemplate"] = $"{ChartLook.Text(run.Name)}<br>epoch %{{x}}: %{{y:.5g}}<extra></extra>";
        return line;
    }

    private static string Best(List<(double Epoch, double Value)> points, MetricWords words)
    {
        if (points.Count == 0)
        {
            return "";
        }

        var (what, point) = words.HigherIsBetter switch
        {
            true => ("best", points.MaxBy(point => point.Value)),
            false => ("best", points.MinBy(point => point.Value)),
            _ => ("last", points[^1]),
        };
        return FormattableString.Invariant($": {what} {words.Text(point.Value)} at epoch {point.Epoch}");
    }
}

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
