namespace SpectralKD.Interactive.Charting;

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
