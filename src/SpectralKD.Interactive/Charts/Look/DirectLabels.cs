namespace SpectralKD.Interactive;

/// <summary>What stands at a curve's right end.</summary>
/// <param name="Name">Whose curve it is.</param>
/// <param name="Detail">One more line; null for none.</param>
/// <param name="Colour">The curve's.</param>
/// <param name="End">The curve's last value.</param>
internal sealed record EndLabel(string Name, string? Detail, string Colour, double End);

/// <summary>
/// Names at the ends of the curves instead of a legend, so that no eye travels: moved apart where curves end close together. In a narrow place, and for more curves than there is
/// height for, there is a legend.
/// </summary>
internal static class DirectLabels
{
    private const double Line = 15;
    private const double Letter = 7;
    private const int Buttons = 30; // which appear at the right while hovering
    private const int Widest = 270;

    /// <summary>Adds them to a chart whose vertical axis has the range.</summary>
    /// <param name="chart">The chart; its height must be set.</param>
    /// <param name="labels">One for each curve, in the order of the curves.</param>
    /// <param name="range">Ends of the vertical axis.</param>
    /// <param name="narrow">More of the layout that takes the place of its own in a narrow place.</param>
    internal static ChartBuilder Add(ChartBuilder chart, IReadOnlyList<EndLabel> labels, (double Low, double High) range, Attributes? narrow = null)
    {
        var texts = labels.Select(label => Lines(label).ToList()).ToList();
        var room = chart.PlotHeight;
        if (labels.Count < 2 || texts.Sum(lines => (lines.Count * Line) + 4) > room)
        {
            return Legend(chart, labels.Count > 1, narrow);
        }

        var places = Apart([.. labels.Select(label => (label.End - range.Low) / (range.High - range.Low) * room)], [.. texts.Select(lines => (lines.Count * Line) + 4)], room);
        for (var i = 0; i < labels.Count; i++)
        {
            chart.Annotation(new Attributes
            {
                ["text"] = string.Join("<br>", texts[i].Select(ChartLook.Text)),
                ["font"] = new Attributes { ["size"] = 12, ["color"] = labels[i].Colour },
                ["align"] = "left",
                ["showarrow"] = false,
                ["xref"] = "paper",
                ["yref"] = "paper",
                ["x"] = 1.01,
                ["xanchor"] = "left",
                ["y"] = places[i] / room,
                ["yanchor"] = "middle",
            });
        }

        var right = (int)Math.Min(Widest, Buttons + 14 + (Letter * texts.SelectMany(lines => lines).Max(line => line.Length)));
        var inNarrow = new Attributes { ["showlegend"] = true, ["annotations"] = Array.Empty<object>(), ["margin"] = new Attributes { ["r"] = 25 } };
        foreach (var (name, value) in narrow ?? [])
        {
            inNarrow[name] = value;
        }

        return chart.Margin("r", right).Layout("showlegend", false).Layout("meta", new Attributes { ["narrow"] = inNarrow });
    }

    private static ChartBuilder Legend(ChartBuilder chart, bool shown, Attributes? layout)
    {
        chart.Layout("showlegend", shown);
        foreach (var (name, value) in layout ?? [])
        {
            chart.Layout(name, value ?? throw new InvalidOperationException());
        }

        return chart;
    }

    /// <summary>Long names are broken where a bracket, a model or a source begins.</summary>
    private static IEnumerable<string> Lines(EndLabel label)
        => label.Name.Replace(" (", "\n(", StringComparison.Ordinal).Replace(": ", ":\n", StringComparison.Ordinal).Replace(", ", "\n", StringComparison.Ordinal).Split('\n').Concat(label.Detail is null ? [] : [label.Detail]);

    /// <summary>Centres that do not overlap, near the wanted ones: pushed up from the lowest, then down from the top.</summary>
    private static double[] Apart(double[] wanted, double[] heights, double room)
    {
        var order = Enumerable.Range(0, wanted.Length).OrderBy(i => wanted[i]).ToArray();
        var places = (double[])wanted.Clone();
        var floor = 0.0;
        foreach (var i in order)
        {
            places[i] = Math.Max(places[i], floor + (heights[i] / 2));
            floor = places[i] + (heights[i] / 2);
        }

        var ceiling = room;
        foreach (var i in Enumerable.Reverse(order))
        {
            places[i] = Math.Min(places[i], ceiling - (heights[i] / 2));
            ceiling = places[i] - (heights[i] / 2);
        }

        return places;
    }
}
