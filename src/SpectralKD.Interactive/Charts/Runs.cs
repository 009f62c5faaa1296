using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

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
