using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Charting;

/// <summary>One run's entropies, layers upwards and checkpoints to the right, in its share of the chart's height.</summary>
internal sealed class EntropyPanel(RunLog run, int number, int count)
{
    private readonly PanelPlace _place = new(number, count);

    internal void Add(ChartBuilder chart)
    {
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
            ["xaxis"] = _place.X,
            ["yaxis"] = _place.Y,
        });
        _place.Add(chart, "Checkpoint (epoch)", count == 1 ? "Layer (0 is the first)" : $"{ChartLook.Text(run.Name)}<br>layer");
    }

    private string[] Checkpoints() => [.. Enumerable.Range(0, (int)run.Table.Rows.Count).Select(
        row => run.Table[RunLog.EpochColumn][row] is { } epoch ? FormattableString.Invariant($"{epoch}") : (string)run.Table["checkpoint"][row])];

    private static double?[] Values(DataFrameColumn column)
        => [.. Enumerable.Range(0, (int)column.Length).Select(row => column[row] is { } value ? Convert.ToDouble(value, null) : (double?)null)];
}
