using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

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
        List<DistanceLines> lines = last == 0 ? [] : [DistanceLines.Of(dynamics, 0, dynamics.Before.Weights is { IsUntrained: true } ? "before (UNTRAINED)" : "before", 1)];
        return Distances(dynamics.Teacher, [dynamics.After], [.. lines, DistanceLines.Of(dynamics, last, last == 0 ? dynamics.After.Title : "after", 2)]);
    }

    /// <summary>How far each layer of several students is from one teacher's, see <see cref="LayerDistances(DistillationDynamics)"/>.</summary>
    /// <param name="teacher">The teacher's spectrum.</param>
    /// <param name="students">The students' spectra, at least one; their names are the legend.</param>
    /// <exception cref="SpectralKDException">No student is given, or one has no layer with a distance.</exception>
    public static GenericChart LayerDistances(ModelSpectrum teacher, params IReadOnlyList<ModelSpectrum> students)
    {
        ChartNeeds.Some(students, "student");
        return Distances(teacher, students, students.Select(
            (student, i) => DistanceLines.Of(DistillationDynamics.Of(teacher, [student]), 0, UCurveText.Name(students, i), i + 1)));
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

    private static GenericChart Distances(ModelSpectrum teacher, IReadOnlyList<ModelSpectrum> students, IEnumerable<DistanceLines> lines)
    {
        var distance = ChartLook.Axis("Relative l2 distance");
        distance["rangemode"] = "tozero";
        var chart = new ChartBuilder("Distance of each layer's spectrum to the teacher's", $"to {teacher.Title} at the same relative depth · {UCurveText.Images(teacher)}")
            .Layout("xaxis", UCurveAxes.Depth(students, relative: false))
            .Layout("yaxis", distance)
            .Layout("showlegend", true);
        foreach (var line in lines)
        {
            line.AddTo(chart);
        }

        return chart.Build();
    }
}
