namespace SpectralKD.Interactive.Charting;

/// <summary>A curve in the common look: its own colour, dash and marker shape.</summary>
internal static class SeriesLine
{
    internal static Attributes Of(int series, string name, IEnumerable<double> x, IEnumerable<double> y, IEnumerable<string>? hover = null, bool markers = true)
    {
        var line = new Attributes
        {
            ["x"] = x.ToArray(),
            ["y"] = y.ToArray(),
            ["mode"] = markers ? "lines+markers" : "lines",
            ["name"] = ChartLook.Text(name),
            ["line"] = new Attributes { ["color"] = ChartLook.Colour(series), ["width"] = 2.5, ["dash"] = ChartLook.Dash(series) },
            ["marker"] = new Attributes { ["color"] = ChartLook.Colour(series), ["size"] = 8, ["symbol"] = ChartLook.Symbol(series) },
        };
        if (hover is not null)
        {
            line["text"] = hover.ToArray();
            line["hovertemplate"] = "%{text}<extra></extra>";
        }

        return line;
    }
}
