namespace SpectralKD.Interactive.Charting;

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
