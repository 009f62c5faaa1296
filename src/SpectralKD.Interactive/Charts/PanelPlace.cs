namespace SpectralKD.Interactive.Charting;

/// <summary>The place of one of several heatmaps that share a chart, one below the other: layers upwards, time to the right.</summary>
/// <param name="Number">0 is the uppermost.</param>
/// <param name="Count">Number of panels.</param>
internal sealed record PanelPlace(int Number, int Count)
{
    private const double Gap = 0.09;

    internal string X => $"x{Suffix}";

    internal string Y => $"y{Suffix}";

    private string Suffix => Number == 0 ? "" : FormattableString.Invariant($"{Number + 1}");

    /// <summary>Adds the panel's axes; only the lowest panel says what runs to the right.</summary>
    internal void Add(ChartBuilder chart, string time, string layers)
        => chart.Layout($"xaxis{Suffix}", XAxis(time)).Layout($"yaxis{Suffix}", YAxis(layers));

    private Attributes XAxis(string title)
    {
        var axis = ChartLook.Axis(Number == Count - 1 ? title : "");
        (axis["type"], axis["showgrid"], axis["anchor"]) = ("category", false, Y);
        return axis;
    }

    private Attributes YAxis(string title)
    {
        var axis = ChartLook.Axis(title);
        var height = (1 + Gap) / Count;
        var top = 1 - (Number * height);
        (axis["domain"], axis["showgrid"], axis["anchor"]) = (new[] { Math.Max(0, top - height + Gap), top }, false, X);
        axis["dtick"] = 2;
        return axis;
    }
}
