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
        var curves = runs.Select(run => RunTraces.Points(run, metric)).ToList();
        var values = curves.SelectMany(points => points).Select(point => point.Value).DefaultIfEmpty(0).ToList();
        var range = UCurves.Range(values.Min(), values.Max(), fromZero: false);
        var axis = ChartLook.Axis(words.Axis);
        axis["range"] = new[] { range.Low, range.High };
        var chart = new ChartBuilder($"{words.Title} by epoch", runs.Count == 1 ? runs[0].Name : $"{runs.Count} runs")
            .Layout("xaxis", EpochAxis(runs))
            .Layout("yaxis", axis)
            .Layout("hovermode", "x unified");
        var looks = RunGroups.Looks(runs);
        List<EndLabel> labels = [];
        for (var i = 0; i < runs.Count; i++)
        {
            var best = RunTraces.Best(curves[i], words);
            chart.Trace("scatter", RunTraces.Of(runs[i].Name, best, curves[i], looks[i]));
            labels.Add(new EndLabel(runs[i].Name, best, looks[i].Colour, curves[i].Select(point => point.Value).LastOrDefault()));
        }

        return DirectLabels.Add(chart, labels, range, new Attributes
        {
            ["height"] = 410 + (LegendLine * runs.Count),
            ["margin"] = new Attributes { ["l"] = 70, ["r"] = 25, ["t"] = 75, ["b"] = 75 + (LegendLine * runs.Count) },
            ["legend"] = new Attributes { ["orientation"] = "v", ["x"] = 0, ["xanchor"] = "left", ["y"] = -0.24, ["yanchor"] = "top", ["font"] = new Attributes { ["size"] = 13 } },
        }).Build();
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
    /// <summary>A colour for each method, and a dash for each of its seeds and for methods beyond the number of colours.</summary>
    internal static IReadOnlyList<SeriesLook> Looks(IReadOnlyList<RunLog> runs)
    {
        var names = runs.Select(run => Seed().Replace(run.Name, "")).ToList();
        var looks = SeriesLook.OfNames(names);
        return [.. runs.Select((_, i) => looks[i] with { Dash = ChartLook.Dash(looks.Take(i).Count(look => look.Colour == looks[i].Colour)) })];
    }

    [GeneratedRegex(@"[\s,_-]*seed[\s_-]*\d+$", RegexOptions.IgnoreCase)]
    private static partial Regex Seed();
}

/// <summary>A training run as a curve.</summary>
internal static class RunTraces
{
    /// <summary>The finite values of a column, by epoch.</summary>
    internal static List<(double Epoch, double Value)> Points(RunLog run, string metric)
    {
        if (run.Kind != RunLogKind.Training)
        {
            throw new SpectralKDException($"{run.Name} is no training log: its entropies are shown by Charts.EntropyHeatmap");
        }

        return [.. run.Numbers(RunLog.EpochColumn).Zip(run.Numbers(metric), (epoch, value) => (Epoch: epoch!.Value, Value: value ?? double.NaN)).Where(point => double.IsFinite(point.Value))];
    }

    internal static Attributes Of(string name, string? best, IReadOnlyList<(double Epoch, double Value)> points, SeriesLook look)
    {
        var line = SeriesLine.Of(
            look, best is null ? name : $"{name}: {best}", points.Select(point => point.Epoch), points.Select(point => point.Value), markers: points.Count < 15);
        ((Attributes)line["line"]!)["width"] = 2;
        line["hovertemplate"] = $"{ChartLook.Text(name)}: %{{y:.5g}}<extra></extra>";
        return line;
    }

    /// <summary>The best or the last value, in words; null without any.</summary>
    internal static string? Best(IReadOnlyList<(double Epoch, double Value)> points, MetricWords words)
    {
        if (points.Count == 0)
        {
            return null;
        }

        var (what, point) = words.HigherIsBetter switch
        {
            true => ("best", points.MaxBy(point => point.Value)),
            false => ("best", points.MinBy(point => point.Value)),
            _ => ("last", points[^1]),
        };
        return FormattableString.Invariant($"{what} {words.Text(point.Value)} at epoch {point.Epoch}");
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
