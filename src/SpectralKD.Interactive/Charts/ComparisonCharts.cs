using System.Globalization;
using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>Top-1 after each epoch, the mean of each method's seeds with its 95 % interval.</summary>
    /// <param name="result">A comparison with finished runs.</param>
    /// <param name="student">The student, where the comparison has several; null for the first.</param>
    /// <exception cref="SpectralKDException">No run is finished, or there is no such student.</exception>
    public static GenericChart AccuracyByEpoch(ComparisonResult result, string? student = null) => ComparisonCurves.Of(result, student, seconds: false);

    /// <summary>Top-1 against the seconds of training, by the measured cost of each method's step: what a method costs is in it.</summary>
    /// <param name="result">A comparison with finished runs.</param>
    /// <param name="student">The student, where the comparison has several; null for the first.</param>
    /// <exception cref="SpectralKDException">No run is finished, or there is no such student.</exception>
    public static GenericChart AccuracyBySecond(ComparisonResult result, string? student = null) => ComparisonCurves.Of(result, student, seconds: true);

    /// <summary>
    /// A forest plot: each method's mean difference to the baseline in points of top-1, its 95 % interval over seeds (thick), and over test images (thin). An interval that
    /// crosses zero shows no difference.
    /// </summary>
    /// <param name="result">A comparison with finished runs.</param>
    /// <exception cref="SpectralKDException">No method has a seed in common with the baseline.</exception>
    public static GenericChart Differences(ComparisonResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var rows = result.Rows.Where(row => row.Difference is not null).Reverse().ToList(); // plotly counts upwards
        ChartNeeds.Some(rows, "method with a seed that the baseline has too");
        return new ForestPlot(result, rows).Build();
    }

    /// <summary>What each layer pair gains alone, against the depth of the student's block, with its 95 % interval.</summary>
    /// <param name="result">A comparison whose methods align one pair each (<see cref="LayerSweep"/>).</param>
    /// <exception cref="SpectralKDException">None does.</exception>
    public static GenericChart LayerGains(ComparisonResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var rows = LayerSweep.Single(result).Where(row => row.Difference is not null).ToList();
        ChartNeeds.Some(rows, "method that aligns one pair of layers alone, beside the baseline; see LayerSweep");
        var students = rows.Select(row => row.Student).Distinct().ToList();
        var axis = ChartLook.Axis($"Gain over {result.Comparison.BaselineName} (points of top-1)");
        axis["zeroline"] = true;
        axis["zerolinecolor"] = ChartLook.Grey;
        var chart = new ChartBuilder("What each layer pair gains alone", (students.Count > 1 ? "" : $"{students[0]} · ") + ForestPlot.Words(result, rows))
            .Layout("showlegend", students.Count > 1)
            .Layout("xaxis", ChartLook.Axis("Relative depth of the student's block (0 first, 1 last)"))
            .Layout("yaxis", axis);
        foreach (var (group, series) in rows.GroupBy(row => row.Student).Select((group, series) => (group, series)))
        {
            var ordered = group.OrderBy(row => row.Pairs[0].Student).ToList();
            var depths = ordered.Select(row => LayerSweep.Depth(result, row)).ToList();
            chart.Trace("scatter", ForestPlot.Bars(ordered.Select((row, i) => (row.Difference!.Low, row.Difference.High, depths[i])).ToList(), ChartLook.Colour(series), 2, upright: true));
            chart.Trace("scatter", SeriesLine.Of(
                series, group.Key, depths, ordered.Select(row => row.Difference!.Mean),
                ordered.Select(row => $"student block {row.Pairs[0].Student}, teacher block {row.Pairs[0].Teacher}<br>{ChartLook.Text(row.Verdict)}")));
        }

        return chart.Build();
    }
}

/// <summary>Curves of accuracy, one for each method.</summary>
internal static class ComparisonCurves
{
    private const int LegendLine = 20;

    internal static GenericChart Of(ComparisonResult result, string? student, bool seconds)
    {
        ArgumentNullException.ThrowIfNull(result);
        ChartNeeds.Some(result.Outcomes, "finished run");
        var students = result.Outcomes.Select(outcome => outcome.Student).Distinct().ToList();
        var chosen = student ?? students[0];
        if (!students.Contains(chosen))
        {
            throw new SpectralKDException($"the comparison has no finished run of a student {chosen}{NearestName.Suggestion(chosen, students)} ({string.Join(", ", students)})");
        }

        var methods = result.Outcomes.Where(outcome => outcome.Student == chosen).GroupBy(outcome => outcome.Method).ToList();
        var seeds = methods.Max(method => method.Count());
        var axis = ChartLook.Axis(seconds ? "Seconds of training (teacher included, validation not)" : "Epochs");
        axis["rangemode"] = "tozero";
        var curves = methods.Select(method => MethodCurve.Of([.. method], seconds)).ToList();
        var ends = curves.SelectMany(curve => curve.Points).SelectMany(point => new[] { MethodCurve.Low(point), MethodCurve.High(point) }).DefaultIfEmpty(0).ToList();
        if (!seconds && curves.TrueForAll(curve => curve.Points.Count <= 15))
        {
            axis["dtick"] = 1; // there is no half epoch
        }

        var range = UCurves.Range(ends.Min(), ends.Max(), fromZero: false);
        var accuracy = ChartLook.Axis("Top-1 accuracy (%, validation images)");
        accuracy["range"] = new[] { range.Low, range.High };
        var chart = new ChartBuilder(
                seconds ? "Accuracy against time" : "Accuracy against epochs",
                $"{chosen} on {methods[0].First().Recipe.Data.Train} · mean of {PlainText.Count(seeds, "seed")}{(seeds == 1 ? "" : ", band: 95 % interval of the mean")}")
            .Layout("xaxis", axis)
            .Layout("yaxis", accuracy)
            .Layout("hovermode", seconds ? "closest" : "x unified")
            .Layout("height", 430 + LegendLine);
        var looks = SeriesLook.OfNames([.. curves.Select(curve => curve.Method)]);
        for (var i = 0; i < curves.Count; i++)
        {
            curves[i].AddTo(chart, looks[i], seconds);
        }

        return DirectLabels.Add(
            chart, [.. curves.Select((curve, i) => new EndLabel(curve.Method, null, looks[i].Colour, curve.Points.Select(point => point.Mean).LastOrDefault()))], range,
            new Attributes { ["height"] = 430 + (LegendLine * ((methods.Count + 2) / 3)) }).Build();
    }
}

/// <summary>The mean accuracy of a method's seeds.</summary>
/// <param name="Method">Its name.</param>
/// <param name="Points">Epoch or second, mean, half of the 95 % interval of the mean (0 with one seed), in order.</param>
internal sealed record MethodCurve(string Method, IReadOnlyList<(double X, double Mean, double HalfWidth, int Epoch)> Points)
{
    internal static MethodCurve Of(IReadOnlyList<ComparedOutcome> runs, bool seconds)
    {
        var points = Enumerable.Range(0, runs.Min(run => run.Epochs.Count)).Select(epoch => (
            X: seconds ? runs.Average(run => run.SecondsAfter(epoch + 1)) : epoch + 1,
            Values: runs.Select(run => run.Epochs[epoch].Top1).OfType<double>().Where(double.IsFinite).ToList(),
            Epoch: epoch + 1));
        return new MethodCurve(runs[0].Method, [.. points.Where(point => point.Values.Count > 0).Select(point => (point.X, point.Values.Average(), HalfWidth(point.Values), point.Epoch))]);
    }

    internal void AddTo(ChartBuilder chart, SeriesLook look, bool seconds)
    {
        if (Points.Any(point => point.HalfWidth > 0))
        {
            var band = SeriesLine.Band(
                look.Colour, Method, [.. Points.Select(point => point.X)], Points.Select(High), Points.Select(Low));
            (band["fillcolor"], band["legendgroup"]) = (ChartLook.Faint(look.Colour, 0.12), Method);
            chart.Trace("scatter", band);
        }

        var line = SeriesLine.Of(
            look, Method, Points.Select(point => point.X), Points.Select(point => point.Mean),
            Points.Select(point => string.Create(CultureInfo.InvariantCulture, $"<b>{ChartLook.Text(Method)}</b> {(seconds ? $"epoch {point.Epoch}, {Durations.Text(point.X)}: " : "")}{point.Mean:0.0} % ± {point.HalfWidth:0.0}")),
            markers: Points.Count < 15);
        line["legendgroup"] = Method;
        ((Attributes)line["line"]!)["width"] = 2;
        chart.Trace("scatter", line);
    }

    // An interval of few seeds may reach beyond what an accuracy can be.
    internal static double Low((double X, double Mean, double HalfWidth, int Epoch) point) => Math.Max(0, point.Mean - point.HalfWidth);

    internal static double High((double X, double Mean, double HalfWidth, int Epoch) point) => Math.Min(100, point.Mean + point.HalfWidth);

    private static double HalfWidth(List<double> values) => values.Count < 2 ? 0
        : ComparisonStatistics.TQuantile(0.975, values.Count - 1) * ComparisonStatistics.Deviation(values) / Math.Sqrt(values.Count);
}

/// <summary>Differences with their intervals, one below the other.</summary>
internal sealed class ForestPlot(ComparisonResult result, IReadOnlyList<ComparisonRow> rows)
{
    private const int RowHeight = 34;
    private const int BelowAxis = 120;

    internal GenericChart Build()
    {
        var x = ChartLook.Axis($"Difference to {result.Comparison.BaselineName} (points of top-1)");
        (x["zeroline"], x["zerolinecolor"], x["zerolinewidth"]) = (true, ChartLook.Grey, 1.5);
        var ends = rows.SelectMany(row => new[] { row.Difference!.Low, row.Difference.High, row.ImagesLow, row.ImagesHigh, row.Difference.Mean, 0 }).OfType<double>().ToList();
        var room = Math.Max(0.1, 0.05 * (ends.Max() - ends.Min()));
        x["range"] = new[] { ends.Min() - room, ends.Max() + room };
        var y = ChartLook.Axis("Method");
        (y["tickvals"], y["ticktext"]) = (Enumerable.Range(0, rows.Count).ToArray(), rows.Select(row => ChartLook.Text(Name(row))).ToArray());
        (y["range"], y["showgrid"]) = (new[] { -0.7, rows.Count - 0.3 }, false);
        var chart = new ChartBuilder("Which method helps?", Words(result, rows))
            .Layout("xaxis", x).Layout("yaxis", y)
            .Layout("showlegend", true)
            .Layout("height", 75 + BelowAxis + (RowHeight * (rows.Count + 1)))
            .Layout("margin", new Attributes { ["l"] = 70, ["r"] = 25, ["t"] = 75, ["b"] = BelowAxis })
            .Layout("legend", new Attributes
            {
                // Below the axis' title, whatever the plot's height.
                ["orientation"] = "h",
                ["x"] = 0,
                ["xanchor"] = "left",
                ["y"] = -70.0 / (RowHeight * (rows.Count + 1)),
                ["yanchor"] = "top",
                ["font"] = new Attributes { ["size"] = 13 },
            });
        Add(chart, [.. rows.Select((row, i) => (row.ImagesLow, row.ImagesHigh, i - 0.16))], "95 % over test images, these students given", ChartLook.Grey, 2);
        Add(chart, [.. rows.Select((row, i) => (row.Difference!.Low, row.Difference.High, (double)i))], "95 % over seeds", ChartLook.Blue, 5);
        chart.Trace("scatter", new Attributes
        {
            ["x"] = rows.Select(row => row.Difference!.Mean).ToArray(),
            ["y"] = Enumerable.Range(0, rows.Count).ToArray(),
            ["mode"] = "markers",
            ["name"] = "mean difference",
            ["marker"] = new Attributes { ["color"] = ChartLook.Vermillion, ["size"] = 11, ["symbol"] = "diamond" },
            ["text"] = rows.Select(row => $"{ChartLook.Text(Name(row))}: {ChartLook.Text(row.Verdict)}").ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
        });
        return chart.Build();
    }

    internal static string Words(ComparisonResult result, IReadOnlyList<ComparisonRow> rows)
    {
        var seeds = rows.Max(row => row.Difference!.Seeds);
        return seeds == 1 ? "one seed: no interval" : $"{seeds} seeds, paired · 95 % intervals; one that crosses zero shows no difference";
    }

    /// <summary>Bars from a low to a high end, with a gap between two.</summary>
    internal static Attributes Bars(IReadOnlyList<(double? Low, double? High, double At)> bars, string colour, double width, bool upright)
    {
        var there = bars.Where(bar => bar.Low is not null).ToList();
        var ends = there.SelectMany(bar => new[] { bar.Low, bar.High, null }).ToArray();
        var places = there.SelectMany(bar => new double?[] { bar.At, bar.At, null }).ToArray();
        return new Attributes
        {
            ["x"] = upright ? places : ends,
            ["y"] = upright ? ends : places,
            ["mode"] = "lines",
            ["name"] = "95 % interval",
            ["line"] = new Attributes { ["color"] = colour, ["width"] = width },
            ["connectgaps"] = false,
            ["showlegend"] = false,
            ["hoverinfo"] = "skip",
        };
    }

    private static void Add(ChartBuilder chart, IReadOnlyList<(double? Low, double? High, double At)> bars, string name, string colour, double width)
    {
        if (bars.Any(bar => bar.Low is not null))
        {
            var trace = Bars(bars, colour, width, upright: false);
            (trace["name"], trace["showlegend"]) = (name, true);
            chart.Trace("scatter", trace);
        }
    }

    private string Name(ComparisonRow row) => result.Rows.Select(other => other.Student).Distinct().Count() > 1 ? $"{row.Student}, {row.Method}" : row.Method;
}
