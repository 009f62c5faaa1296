using Microsoft.Data.Analysis;
using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>One figure of every block over a training, as colours: time to the right, depth upwards.</summary>
    /// <param name="training">A model's spectra over its training.</param>
    /// <param name="figure">A column of its table, see <see cref="TrainingSpectra.Figures"/>: <c>intensity</c>, <c>uniformity</c>, <c>rank</c>, <c>kappa</c>, …</param>
    /// <exception cref="SpectralKDException">There is no such figure, or it was not analysed.</exception>
    public static GenericChart OverTraining(TrainingSpectra training, string figure = "intensity")
    {
        ArgumentNullException.ThrowIfNull(training);
        if (!training.Figures.Contains(figure))
        {
            throw new SpectralKDException($"there is no figure {figure} over this training; there are {string.Join(", ", training.Figures)}");
        }

        var blocks = training.Spectra[0].Blocks;
        var column = (DoubleDataFrameColumn)training.ToDataFrame()[figure];
        var values = training.Moments.Select((_, moment) => blocks.Select((_, row) => column[(moment * blocks.Length) + row]).ToArray()).ToList();
        var place = new PanelPlace(0, 1);
        var chart = new ChartBuilder($"{Words(figure)} over layers and training", $"{training.Spectra[^1].Model} · {UCurveText.Images(training.Spectra[0])}").Layout("height", 440);
        chart.Trace("heatmap", new Attributes
        {
            ["x"] = training.Moments.Select(ChartLook.Text).ToArray(),
            ["y"] = blocks.Select(block => block.Index).ToArray(),
            ["z"] = blocks.Select((_, row) => values.Select(column => column[row]).ToArray()).ToArray(),
            ["text"] = blocks.Select((block, row) => training.Moments.Select((moment, i) => FormattableString.Invariant(
                $"{ChartLook.Text(block.Name)}<br>{ChartLook.Text(moment)}<br>{Words(figure)} {values[i][row]:G4}")).ToArray()).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
            ["xaxis"] = place.X,
            ["yaxis"] = place.Y,
        });
        place.Add(chart, "Checkpoint", "Block (0 is the first)");
        return chart.Layout("coloraxis", new Attributes
        {
            ["colorscale"] = ChartLook.Scale,
            ["colorbar"] = new Attributes
            {
                ["title"] = new Attributes { ["text"] = Words(figure), ["side"] = "right", ["font"] = new Attributes { ["size"] = 13 } },
                ["thickness"] = 14,
                ["outlinewidth"] = 0,
            },
        }).Build();
    }

    /// <summary>
    /// The U-curve of one checkpoint at a time, chosen by a slider that needs no kernel; the first one stays in grey, the teacher's black and dashed. A page that draws charts
    /// without a script shows the last checkpoint.
    /// </summary>
    /// <param name="training">A model's spectra over its training.</param>
    /// <param name="teacher">A teacher's spectrum, or null.</param>
    public static GenericChart UCurveSlider(TrainingSpectra training, ModelSpectrum? teacher = null)
    {
        ArgumentNullException.ThrowIfNull(training);
        var (spectra, last) = (training.Spectra, training.Spectra.Count - 1);
        ModelSpectrum[] all = teacher is null ? [.. spectra] : [.. spectra, teacher];
        var axis = UCurveAxes.Intensity(all, normalize: false);
        var range = UCurves.Range(0, all.Max(spectrum => spectrum.Intensities.Max()), fromZero: true);
        axis["range"] = new[] { range.Low, range.High };
        var chart = new ChartBuilder("Spectral intensity over depth, checkpoint by checkpoint", $"{spectra[^1].Model} · {UCurveText.Images(spectra[0])}")
            .Layout("xaxis", ChartLook.Axis("Relative depth"))
            .Layout("yaxis", axis)
            .Layout("height", 540)
            .Layout("showlegend", true)
            .Layout("legend", new Attributes { ["x"] = 1, ["xanchor"] = "right", ["y"] = 0.02, ["yanchor"] = "bottom", ["font"] = new Attributes { ["size"] = 13 } }); // curves leave the bottom free, the slider stands below
        var look = SeriesLook.OfNames([spectra[0].Model])[0];
        Line(spectra[0], $"{training.Moments[0]} (first)", look with { Colour = ChartLook.Grey, Dash = "dot" });
        if (teacher is not null)
        {
            Line(teacher, $"teacher: {teacher.Title}", look with { Colour = ChartLook.Ink, Dash = "dash" });
        }

        var always = teacher is null ? 1 : 2;
        for (var moment = 0; moment <= last; moment++)
        {
            Line(spectra[moment], training.Moments[moment], look with { Colour = Sequence.Colour(moment, last + 1) }, visible: moment == last);
        }

        return chart.Layout("sliders", new[] { Slider(training.Moments, always, 1, last) }).Build();

        void Line(ModelSpectrum spectrum, string name, SeriesLook how, bool visible = true)
        {
            var line = SeriesLine.Of(
                how, name, spectrum.Blocks.Select(block => UCurveAxes.Position(spectrum, block, relative: true)), spectrum.Intensities, spectrum.Blocks.Select(block => UCurveText.Brief(name, block)));
            line["visible"] = visible;
            chart.Trace("scatter", line);
        }
    }

    /// <summary>
    /// The activation entropy over depth of one checkpoint at a time, a line for each run, chosen by a slider that needs no kernel. A page that draws charts without a script
    /// shows the last checkpoint.
    /// </summary>
    /// <param name="runs">Entropy logs of as many layers, at least one.</param>
    /// <exception cref="SpectralKDException">No run is given, or one holds no entropies.</exception>
    public static GenericChart EntropySlider(IReadOnlyList<RunLog> runs)
    {
        ChartNeeds.Some(runs, "run");
        if (runs.FirstOrDefault(run => run.Kind != RunLogKind.Entropy) is { } other)
        {
            throw new SpectralKDException($"{other.Name} is a training log: this chart shows entropy CSVs, Charts.Runs shows training logs");
        }

        var tables = runs.Select(EntropyTable.Of).ToList();
        string[] moments = [.. tables.SelectMany(table => table.Checkpoints).Distinct().OrderBy(CheckpointFolder.Padded, StringComparer.Ordinal)];
        var values = tables.SelectMany(table => table.Rows).SelectMany(row => row.OfType<double>()).DefaultIfEmpty(0).ToList();
        var range = UCurves.Range(values.Min(), values.Max(), fromZero: false);
        var (axis, looks) = (ChartLook.Axis("Activation entropy (bits)"), RunGroups.Looks(runs));
        axis["range"] = new[] { range.Low, range.High };
        var chart = new ChartBuilder("Activation entropy over depth, checkpoint by checkpoint", runs.Count == 1 ? runs[0].Name : $"{runs.Count} runs")
            .Layout("xaxis", ChartLook.Axis("Layer (0 is the first)"))
            .Layout("yaxis", axis)
            .Layout("height", 540)
            .Layout("hovermode", "x unified")
            .Layout("showlegend", true)
            .Layout("legend", new Attributes { ["x"] = 0, ["xanchor"] = "left", ["y"] = 1, ["yanchor"] = "top", ["font"] = new Attributes { ["size"] = 13 } });
        foreach (var (moment, at) in moments.Select((moment, at) => (moment, at)))
        {
            for (var run = 0; run < runs.Count; run++)
            {
                var row = tables[run].Checkpoints.Zip(tables[run].Rows).LastOrDefault(entry => entry.First == moment).Second ?? []; // a run without this checkpoint has no line
                var points = row.Select((value, layer) => (Layer: (double)layer, Value: value)).Where(point => point.Value is not null).ToList();
                var line = SeriesLine.Of(looks[run], runs[run].Name, points.Select(point => point.Layer), points.Select(point => point.Value!.Value));
                line["hovertemplate"] = $"{ChartLook.Text(runs[run].Name)}: %{{y:.3f}}<extra></extra>";
                line["visible"] = at == moments.Length - 1;
                chart.Trace("scatter", line);
            }
        }

        return chart.Layout("sliders", new[] { Slider(moments, 0, runs.Count, moments.Length - 1) }).Build();
    }

    // A step for each moment, which shows the traces that are always there and its own ones behind them.
    private static Attributes Slider(IReadOnlyList<string> moments, int always, int each, int active) => new()
    {
        ["active"] = active,
        ["x"] = 0.03,
        ["len"] = 0.9,
        ["pad"] = new Attributes { ["t"] = 50, ["b"] = 10 },
        ["currentvalue"] = new Attributes { ["prefix"] = "Checkpoint: " },
        ["steps"] = moments.Select((name, moment) => new Attributes
        {
            ["label"] = ChartLook.Text(name),
            ["method"] = "restyle",
            ["args"] = new object[]
            {
                new Attributes { ["visible"] = Enumerable.Range(0, always + (each * moments.Count)).Select(trace => trace < always || (trace - always) / each == moment).ToArray() },
            },
        }).ToArray(),
    };

    private static string Words(string figure) => figure switch
    {
        "rms" => "RMS",
        "rankme" => "RankMe",
        "intensity_sd" => "Intensity's deviation",
        _ when figure.StartsWith("sep_50", StringComparison.Ordinal) => $"SEP 50 %{figure[6..].Replace('_', ' ')}",
        _ => char.ToUpperInvariant(figure[0]) + figure[1..].Replace('_', ' '),
    };
}

/// <summary>All that is shown of a model's spectra over its training.</summary>
internal static class TrainingCharts
{
    internal static IReadOnlyList<GenericChart> All(TrainingSpectra training, ModelSpectrum? teacher, IReadOnlyList<string> figures)
    {
        var charts = new List<GenericChart> { Charts.UCurveSlider(training, teacher) };
        charts.AddRange(training.Chosen(figures).Select(figure => Charts.OverTraining(training, figure)));
        if (teacher is not null && training.Towards(teacher) is var dynamics && dynamics.Distances.Any(entry => entry.Distance is not null))
        {
            charts.Add(Charts.DistanceHeatmap(dynamics));
        }

        return charts;
    }

    /// <summary>Logs and entropies of whole trainings, as the authors publish theirs: accuracy and alignment by epoch, entropies as heatmaps of four runs each and under a slider.</summary>
    internal static IReadOnlyList<GenericChart> All(IReadOnlyList<RunLog> runs)
    {
        var (logs, entropies) = (runs.Where(run => run.Kind == RunLogKind.Training).ToList(), runs.Where(run => run.Kind == RunLogKind.Entropy).ToList());
        bool Has(RunLog run, string metric) => run.Table.Columns.Any(column => column.Name == metric && column.NullCount < column.Length);
        var charts = new List<GenericChart>();
        charts.AddRange(new[] { "test_acc1", "train_loss_fft" }.Select(metric => (Metric: metric, Logs: logs.Where(run => Has(run, metric)).ToList()))
            .Where(entry => entry.Logs.Count > 0).Select(entry => Charts.Runs(entry.Logs, entry.Metric)));
        if (entropies.Count > 0)
        {
            charts.AddRange(entropies.Chunk(4).Select(four => Charts.EntropyHeatmap(four)));
            charts.AddRange(entropies.GroupBy(run => run.Table.Columns.Count).Select(alike => Charts.EntropySlider([.. alike])));
        }

        return charts;
    }
}
