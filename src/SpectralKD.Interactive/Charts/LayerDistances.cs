using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>
    /// How far each layer of a student is from its teacher's, before and after training: the relative l2 distance of the radial amplitude profiles
    /// (<see cref="LayerDistance.Distance"/>), 0 for equal spectra, 1 where the student's amplitudes are zero. Unlike the U-curves of
    /// <see cref="Dynamics"/> it sees the level, and every frequency.
    /// </summary>
    /// <param name="dynamics">The student over time and its teacher.</param>
    /// <exception cref="SpectralKDException">No layer has a distance: the maps' sizes differ.</exception>
    public static GenericChart LayerDistances(DistillationDynamics dynamics)
    {
        ArgumentNullException.ThrowIfNull(dynamics);
        var last = dynamics.Student.Count - 1;
        var looks = SeriesLook.OfTraining(dynamics.Before, dynamics.After);
        List<DistanceLines> lines = last == 0 ? [] : [DistanceLines.Of(dynamics, 0, dynamics.Before.Weights is { IsUntrained: true } ? "before (UNTRAINED)" : "before", looks.Before)];
        return Distances(dynamics.Teacher, [dynamics.After], [.. lines, DistanceLines.Of(dynamics, last, last == 0 ? dynamics.After.Title : "after", looks.After)]);
    }

    /// <summary>How far each layer of several students is from one teacher's, see <see cref="LayerDistances(DistillationDynamics)"/>.</summary>
    /// <param name="teacher">The teacher's spectrum.</param>
    /// <param name="students">The students' spectra, at least one; their names are the legend.</param>
    /// <exception cref="SpectralKDException">No student is given, or one has no layer with a distance.</exception>
    public static GenericChart LayerDistances(ModelSpectrum teacher, params IReadOnlyList<ModelSpectrum> students)
    {
        ChartNeeds.Some(students, "student");
        var looks = SeriesLook.OfModels([teacher, .. students]); // the teacher keeps its colour for itself
        return Distances(teacher, students, [.. students.Select(
            (student, i) => DistanceLines.Of(DistillationDynamics.Of(teacher, [student]), 0, UCurveText.Name(students, i), looks[i + 1]))]);
    }

    /// <summary>
    /// The distance of each layer to the teacher's after every tracked epoch, as colours on a logarithmic scale: time to the right, depth upwards, one
    /// panel a run, all in one scale (as <see cref="EntropyHeatmap(IReadOnlyList{RunLog})"/>).
    /// </summary>
    /// <param name="runs">Students over time and their teachers, one to four, see <see cref="DistillationRun.Dynamics"/>; the students' names name the panels.</param>
    /// <exception cref="SpectralKDException">No run is given, more than four, or in one no layer has a distance: the maps' sizes differ.</exception>
    public static GenericChart DistanceHeatmap(params IReadOnlyList<DistillationDynamics> runs)
    {
        ChartNeeds.Some(runs, "run");
        if (runs.Count > 4)
        {
            throw new SpectralKDException($"this chart shows one to four runs, but got {runs.Count}; draw several charts");
        }

        var subtitle = string.Join(" · ", runs.Select(run => FormattableString.Invariant(
            $"{run.After.Title}: mean {run.MeanDistances[0]:0.000} before, {run.MeanDistances[^1]:0.000} after")));
        var chart = new ChartBuilder("Distance to the teacher over layers and training", subtitle)
            .Layout("height", runs.Count == 1 ? 440 : 320 + (170 * runs.Count));
        for (var i = 0; i < runs.Count; i++)
        {
            new DistancePanel(runs[i], i, runs.Count).Add(chart);
        }

        var values = runs.SelectMany(run => run.Distances).Select(entry => entry.Distance ?? 0);
        return chart.Layout("coloraxis", LogScale.ColourAxis(values, "relative l2 distance")).Build();
    }

    private static GenericChart Distances(ModelSpectrum teacher, IReadOnlyList<ModelSpectrum> students, IReadOnlyList<DistanceLines> lines)
    {
        var range = UCurves.Range(0, lines.SelectMany(line => line.Layers).Max(entry => entry.Distance!.Value), fromZero: true);
        var distance = ChartLook.Axis("Relative l2 distance");
        distance["range"] = new[] { range.Low, range.High };
        var chart = new ChartBuilder("Distance of each layer's spectrum to the teacher's", $"to {teacher.Title} at the same relative depth · {UCurveText.Images(teacher)}")
            .Layout("xaxis", UCurveAxes.Depth(students, relative: false))
            .Layout("yaxis", distance)
            .Layout("hovermode", "x unified");
        foreach (var line in lines)
        {
            line.AddTo(chart);
        }

        return DirectLabels.Add(chart, [.. lines.Select(line => line.Label)], range).Layout("showlegend", lines.Count == 1).Build();
    }
}

/// <summary>The distances of a student's layers to its teacher's at one moment, as a curve.</summary>
internal sealed record DistanceLines(IReadOnlyList<LayerDistance> Layers, string Name, SeriesLook Look)
{
    internal static DistanceLines Of(DistillationDynamics dynamics, int moment, string name, SeriesLook look)
    {
        var layers = dynamics.Distances.Where(entry => entry.Moment == moment && entry.Distance is not null).ToList();
        return layers.Count > 0 ? new DistanceLines(layers, name, look) : throw Incomparable(dynamics);
    }

    private string Mean => FormattableString.Invariant($"mean {Layers.Average(entry => entry.Distance!.Value):0.000}");

    internal EndLabel Label => new(Name, Mean, Look.Colour, Layers[^1].Distance!.Value);

    internal ChartBuilder AddTo(ChartBuilder chart) => chart.Trace("scatter", SeriesLine.Of(
        Look, $"{Name}: {Mean}", Layers.Select(entry => (double)entry.Block), Layers.Select(entry => entry.Distance!.Value),
        Layers.Select(entry => $"<b>{ChartLook.Text(Name)}</b> " + FormattableString.Invariant($"{entry.Distance:G4} to the teacher's block {entry.TeacherBlock}"))));

    internal static string Hover(LayerDistance entry, string when) => $"{ChartLook.Text(entry.Name)}, {when}" + FormattableString.Invariant(
        $"<br>distance {entry.Distance:G4} to the teacher's block {entry.TeacherBlock}<br>intensity {entry.Intensity:G4}, the teacher's {entry.TeacherIntensity:G4}");

    internal static SpectralKDException Incomparable(DistillationDynamics dynamics) => new(
        $"no map of {dynamics.After.Model} has the size of its counterpart in {dynamics.Teacher.Model}, so their spectra have no distance; "
        + "compare models with equal numbers of patches");
}

/// <summary>One student's distances to its teacher, layers upwards and tracked epochs to the right, in its share of the chart's height.</summary>
internal sealed class DistancePanel(DistillationDynamics dynamics, int number, int count)
{
    private readonly PanelPlace _place = new(number, count);

    internal void Add(ChartBuilder chart)
    {
        if (dynamics.Distances.All(entry => entry.Distance is null))
        {
            throw DistanceLines.Incomparable(dynamics);
        }

        var layers = dynamics.Distances.GroupBy(entry => entry.Block).OrderBy(group => group.Key)
            .Select(group => group.OrderBy(entry => entry.Moment).ToList()).ToList();
        chart.Trace("heatmap", new Attributes
        {
            ["x"] = Enumerable.Range(0, dynamics.Student.Count).Select(moment => FormattableString.Invariant($"{moment}")).ToArray(),
            ["y"] = layers.Select(row => row[0].Block).ToArray(),
            ["z"] = layers.Select(row => LogScale.Of(row.Select(entry => entry.Distance ?? 0))).ToArray(),
            ["text"] = layers.Select(row => row.Select(Hover).ToArray()).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
            ["xaxis"] = _place.X,
            ["yaxis"] = _place.Y,
        });
        _place.Add(chart, "Epochs done (0: before training)", count == 1 ? "Block of the student (0 is the first)" : $"{ChartLook.Text(dynamics.After.Title)}<br>block");
    }

    private static string Hover(LayerDistance entry) => DistanceLines.Hover(entry, FormattableString.Invariant($"epochs done: {entry.Moment}"));
}
