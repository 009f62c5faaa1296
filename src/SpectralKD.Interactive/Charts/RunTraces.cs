using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Charting;

/// <summary>A training run as a curve.</summary>
internal static class RunTraces
{
    internal static Attributes Of(RunLog run, int series, string metric, MetricWords words)
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
            series, run.Name + Best(points, words), points.Select(point => point.Epoch), points.Select(point => point.Value), markers: points.Count < 15);
        ((Attributes)line["line"]!)["width"] = 2;
        line["hovertemplate"] = $"{ChartLook.Text(run.Name)}<br>epoch %{{x}}: %{{y:.5g}}<extra></extra>";
        return line;
    }

    private static string Best(List<(double Epoch, double Value)> points, MetricWords words)
    {
        if (points.Count == 0 || words.HigherIsBetter is not { } higher)
        {
            return "";
        }

        var best = higher ? points.MaxBy(point => point.Value) : points.MinBy(point => point.Value);
        return FormattableString.Invariant($": best {best.Value:0.00} at epoch {best.Epoch}");
    }
}
