using Microsoft.Data.Analysis;
using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Charting;

/// <summary>One run's entropies, layers upwards and checkpoints to the right, in its share of the chart's height.</summary>
internal sealed class EntropyPanel(RunLog run, int number, int count)
{
    private const double Gap = 0.09;

    internal void Add(ChartBuilder chart)
    {
        var suffix = number == 0 ? "" : FormattableString.Invariant($"{number + 1}");
        var layers = run.Table.Columns.Where(column => column.Name.StartsWith("layer_", StringComparison.Ordinal)).ToList();
        var checkpoints = Checkpoints();
        chart.Trace("heatmap", new Attributes
        {
            ["x"] = checkpoints,
            ["y"] = Enumerable.Range(0, layers.Count).ToArray(),
            ["z"] = layers.Select(Values).ToArray(),
            ["hovertemplate"] = $"{ChartLook.Text(run.Name)}<br>checkpoint %{{x}}, layer %{{y}}<br>%{{z:.3f}} bits<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
            ["xaxis"] = $"x{suffix}",
            ["yaxis"] = $"y{suffix}",
        });
        chart.Layout($"xaxis{suffix}", XAxis(suffix)).Layout($"yaxis{suffix}", YAxis(suffix));
    }

    private string[] Checkpoints() => [.. Enumerable.Range(0, (int)run.Table.Rows.Count).Select(
        row => run.Table[RunLog.EpochColumn][row] is { } epoch ? FormattableString.Invariant($"{epoch}") : (string)run.Table["checkpoint"][row])];

    private Attributes XAxis(string suffix)
    {
        var axis = ChartLook.Axis(number == count - 1 ? "Checkpoint (epoch)" : "");
        (axis["type"], axis["showgrid"], axis["anchor"]) = ("category", false, $"y{suffix}");
        return axis;
    }

    private Attributes YAxis(string suffix)
    {
        var axis = ChartLook.Axis(count == 1 ? "Layer (0 is the first)" : $"{ChartLook.Text(run.Name)}<br>layer");
        var height = (1 + Gap) / count;
        var top = 1 - (number * height);
        (axis["domain"], axis["showgrid"], axis["anchor"]) = (new[] { Math.Max(0, top - height + Gap), top }, false, $"x{suffix}");
        axis["dtick"] = 2;
        return axis;
    }

    private static double?[] Values(DataFrameColumn column)
        => [.. Enumerable.Range(0, (int)column.Length).Select(row => column[row] is { } value ? Convert.ToDouble(value, null) : (double?)null)];
}
