namespace SpectralKD.Interactive.Charting;

/// <summary>
/// A logarithmic colour axis: plotly's colours are linear, so values are drawn as their logarithms and labelled with what they stand for.
/// </summary>
internal static class LogScale
{
    private static readonly double[] Steps = [1, 2, 5];
    private static readonly double[] FineSteps = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    /// <summary>Logarithms to the base 10; null for zero, which is left blank.</summary>
    internal static double?[] Of(IEnumerable<double> values) => [.. values.Select(value => value > 0 ? Math.Log10(value) : (double?)null)];

    /// <summary>Makes a plot's axis logarithmic, with whole numbers at its ticks (plotly's own write 2 for 0.2).</summary>
    internal static void Apply(Attributes axis, double smallest, double largest)
    {
        var ticks = Ticks(smallest, largest);
        axis["type"] = "log";
        axis["tickvals"] = ticks;
        axis["ticktext"] = Texts(ticks);
    }

    /// <summary>A colour axis with a bar whose ticks show the values.</summary>
    /// <param name="values">All values drawn on the axis.</param>
    /// <param name="title">What the bar shows.</param>
    /// <param name="bar">More of the bar's attributes.</param>
    internal static Attributes ColourAxis(IEnumerable<double> values, string title, Attributes? bar = null)
    {
        var positive = values.Where(value => value > 0).DefaultIfEmpty(1).ToList();
        var ticks = Ticks(positive.Min(), positive.Max());
        var colourBar = new Attributes
        {
            ["title"] = new Attributes { ["text"] = title, ["side"] = "right", ["font"] = new Attributes { ["size"] = 13 } },
            ["tickvals"] = ticks.Select(Math.Log10).ToArray(),
            ["ticktext"] = Texts(ticks),
            ["thickness"] = 14,
            ["outlinewidth"] = 0,
        };
        foreach (var (name, value) in bar ?? [])
        {
            colourBar[name] = value;
        }

        return new Attributes { ["colorscale"] = ChartLook.Scale, ["colorbar"] = colourBar };
    }

    private static string[] Texts(double[] ticks) => [.. ticks.Select(tick => FormattableString.Invariant($"{tick:G3}"))];

    /// <summary>1, 2, 5, 10 … within the range, all digits where that gives fewer than three; its ends where none of these lies inside.</summary>
    internal static double[] Ticks(double smallest, double largest)
    {
        var first = (int)Math.Floor(Math.Log10(smallest));
        var last = (int)Math.Ceiling(Math.Log10(largest));
        var ticks = Within(last - first > 4 ? Steps[..1] : Steps);
        ticks = ticks.Length > 2 ? ticks : Within(FineSteps);
        return ticks.Length > 1 ? ticks : [smallest, largest];

        double[] Within(double[] steps) =>
        [
            .. Enumerable.Range(first, last - first + 1).SelectMany(decade => steps.Select(step => step * Math.Pow(10, decade)))
                .Where(tick => tick >= smallest * 0.999 && tick <= largest * 1.001),
        ];
    }
}
