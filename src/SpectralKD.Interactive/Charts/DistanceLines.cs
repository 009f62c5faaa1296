namespace SpectralKD.Interactive.Charting;

/// <summary>The distances of a student's layers to its teacher's at one moment, as a curve.</summary>
internal sealed record DistanceLines(IReadOnlyList<LayerDistance> Layers, string Name, int Series)
{
    internal static DistanceLines Of(DistillationDynamics dynamics, int moment, string name, int series)
    {
        var layers = dynamics.Distances.Where(entry => entry.Moment == moment && entry.Distance is not null).ToList();
        return layers.Count > 0 ? new DistanceLines(layers, name, series) : throw Incomparable(dynamics);
    }

    internal ChartBuilder AddTo(ChartBuilder chart) => chart.Trace("scatter", SeriesLine.Of(
        Series, Name + FormattableString.Invariant($": mean {Layers.Average(entry => entry.Distance!.Value):0.000}"), Layers.Select(entry => (double)entry.Block), Layers.Select(entry => entry.Distance!.Value), Layers.Select(entry => Hover(entry, Name))));

    internal static string Hover(LayerDistance entry, string when) => $"{ChartLook.Text(entry.Name)}, {when}" + FormattableString.Invariant(
        $"<br>distance {entry.Distance:G4} to the teacher's block {entry.TeacherBlock}<br>intensity {entry.Intensity:G4}, the teacher's {entry.TeacherIntensity:G4}");

    internal static SpectralKDException Incomparable(DistillationDynamics dynamics) => new(
        $"no map of {dynamics.After.Model} has the size of its counterpart in {dynamics.Teacher.Model}, so their spectra have no distance; "
        + "compare models with equal numbers of patches");
}
