using System.Net;

namespace SpectralKD.Interactive;

/// <summary>
/// One look for all charts: colours that colour-blind readers can tell apart (Okabe and Ito, "Color Universal Design", 2008), marker shapes and
/// dashes that survive printing in grey, text large enough for a column's width, and a white ground.
/// </summary>
internal static class ChartLook
{
    internal const string Blue = "#0072B2";
    internal const string Vermillion = "#D55E00";
    internal const string Green = "#009E73";
    internal const string Ink = "#1f2933";
    internal const string Grey = "#6b7280";
    internal const string Grid = "#e5e7eb";

    /// <summary>Colour scale of heatmaps; even steps in brightness, also for colour-blind readers.</summary>
    internal const string Scale = "Viridis";

    private static readonly string[] Colours = [Blue, Vermillion, Green, "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8c6d1f"];
    private static readonly string[] Symbols = ["circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star", "hexagon"];
    private static readonly string[] Dashes = ["solid", "dash", "dot", "dashdot", "longdash"];

    internal static int ColourCount => Colours.Length;

    internal static string Colour(int series) => Colours[series % Colours.Length];

    internal static string Symbol(int series) => Symbols[series % Symbols.Length];

    internal static string Dash(int series) => Dashes[series % Dashes.Length];

    /// <summary>The colour at an opacity, as plotly takes it.</summary>
    internal static string Faint(string colour, double opacity)
    {
        var rgb = Convert.FromHexString(colour.AsSpan(1));
        return FormattableString.Invariant($"rgba({rgb[0]},{rgb[1]},{rgb[2]},{opacity})");
    }

    /// <summary>Text for plotly, which reads some HTML: names from outside must not be taken for it.</summary>
    internal static string Text(string text) => WebUtility.HtmlEncode(text);

    internal static Attributes Axis(string title) => new()
    {
        ["title"] = new Attributes { ["text"] = title, ["standoff"] = 10, ["font"] = new Attributes { ["size"] = 14 } },
        ["automargin"] = true,
        ["showline"] = true,
        ["linecolor"] = Grey,
        ["gridcolor"] = Grid,
        ["zeroline"] = false,
        ["ticks"] = "outside",
        ["tickcolor"] = Grey,
    };

    internal static Attributes Layout(string title, string? subtitle) => new()
    {
        ["title"] = Title(title, subtitle),
        ["font"] = new Attributes { ["family"] = "Inter, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif", ["size"] = 14, ["color"] = Ink },
        ["paper_bgcolor"] = "#ffffff",
        ["plot_bgcolor"] = "#ffffff",
        ["height"] = 440,
        ["margin"] = new Attributes { ["l"] = 70, ["r"] = 25, ["t"] = 55 + (subtitle is null ? 0 : 20 * subtitle.Split('\n').Length), ["b"] = 60 },
        ["legend"] = new Attributes
        {
            ["orientation"] = "h",
            ["x"] = 0,
            ["xanchor"] = "left",
            ["y"] = -0.2,
            ["yanchor"] = "top",
            ["font"] = new Attributes { ["size"] = 13 },
        },
        ["modebar"] = new Attributes { ["orientation"] = "v", ["bgcolor"] = "rgba(255,255,255,0.6)" }, // beside the title, not over it
        ["hoverlabel"] = new Attributes { ["align"] = "left" },
        ["hovermode"] = "closest", // "x unified" where curves share their places
        ["colorway"] = Colours,
    };

    private static Attributes Title(string title, string? subtitle) => new()
    {
        ["text"] = $"<b>{Text(title)}</b>" + (subtitle is null ? "" : $"<br><span style=\"font-size:13px;color:{Grey}\">{Text(subtitle).Replace("\n", "<br>", StringComparison.Ordinal)}</span>"),
        ["font"] = new Attributes { ["size"] = 17 },
        ["x"] = 0.02,
        ["xanchor"] = "left",
        ["y"] = 1,
        ["yanchor"] = "top",
        ["pad"] = new Attributes { ["t"] = 20 },
    };
}

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
        (axis["tickmode"], axis["tick0"], axis["dtick"]) = ("linear", 0, 2);
        return axis;
    }
}

/// <summary>What a chart cannot do without, or an error that says how to get it.</summary>
internal static class ChartNeeds
{
    internal static void Domain(ModelSpectrum spectrum, SpectralDomain domain)
    {
        if (!spectrum.Domain.HasFlag(domain))
        {
            throw new SpectralKDException(
                $"this chart shows the {domain} domain, but {spectrum.Model} was analysed in the {spectrum.Domain} domain: analyse it again with the domain {domain} or Both");
        }
    }

    internal static void Some<T>(IReadOnlyCollection<T> things, string what)
    {
        if (things.Count == 0)
        {
            throw new SpectralKDException($"this chart needs at least one {what}");
        }
    }
}

/// <summary>A curve in the common look: its own colour, dash and marker shape.</summary>
internal static class SeriesLine
{
    internal static Attributes Of(int series, string name, IEnumerable<double> x, IEnumerable<double> y, IEnumerable<string>? hover = null, bool markers = true)
        => Of(SeriesLook.Of(series), name, x, y, hover, markers);

    internal static Attributes Of(SeriesLook look, string name, IEnumerable<double> x, IEnumerable<double> y, IEnumerable<string>? hover = null, bool markers = true)
    {
        var line = new Attributes
        {
            ["x"] = x.ToArray(),
            ["y"] = y.ToArray(),
            ["mode"] = markers ? "lines+markers" : "lines",
            ["name"] = ChartLook.Text(name),
            ["line"] = new Attributes { ["color"] = look.Colour, ["width"] = 2.5, ["dash"] = look.Dash },
            ["marker"] = new Attributes { ["color"] = look.Colour, ["size"] = 8, ["symbol"] = look.Symbol },
        };
        if (hover is not null)
        {
            line["text"] = hover.ToArray();
            line["hovertemplate"] = "%{text}<extra></extra>";
        }

        return line;
    }

    /// <summary>An area between two curves of a colour, for spread and intervals.</summary>
    internal static Attributes Band(string colour, string name, IReadOnlyCollection<double> x, IEnumerable<double> upper, IEnumerable<double> lower) => new()
    {
        ["x"] = x.Concat(x.Reverse()).ToArray(),
        ["y"] = upper.Concat(lower.Reverse()).ToArray(),
        ["fill"] = "toself",
        ["fillcolor"] = ChartLook.Faint(colour, 0.18),
        ["line"] = new Attributes { ["width"] = 0 },
        ["mode"] = "lines",
        ["name"] = ChartLook.Text(name),
        ["showlegend"] = false,
        ["hoverinfo"] = "skip",
    };
}

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
    /// <param name="values">The values that the colours range over; what is drawn beyond takes the colour of the nearer end.</param>
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

        return new Attributes
        {
            ["colorscale"] = ChartLook.Scale,
            ["cmin"] = Math.Log10(positive.Min()),
            ["cmax"] = Math.Log10(positive.Max() > positive.Min() ? positive.Max() : positive.Min() * 1.1),
            ["colorbar"] = colourBar,
        };
    }

    private static string[] Texts(double[] ticks) => [.. ticks.Select(tick => FormattableString.Invariant($"{tick:G3}"))];

    /// <summary>1, 2, 5, 10 … within the range, all digits where that gives fewer than three, round numbers in even steps where that does; its ends where none of these lies inside.</summary>
    internal static double[] Ticks(double smallest, double largest)
    {
        var first = (int)Math.Floor(Math.Log10(smallest));
        var last = (int)Math.Ceiling(Math.Log10(largest));
        var ticks = Within(last - first > 4 ? Steps[..1] : Steps);
        ticks = ticks.Length > 2 ? ticks : Within(FineSteps);
        ticks = ticks.Length > 2 ? ticks : Even();
        return ticks.Length > 1 ? ticks : [smallest, largest];

        double[] Even()
        {
            var size = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(largest - smallest, smallest * 1e-6) / 4)));
            var step = Steps.Select(factor => factor * size).Last(step => step == size || 4 * step <= (largest - smallest) * 1.001);
            return [.. Enumerable.Range(0, 2 + (int)((largest - smallest) / step)).Select(i => (Math.Ceiling((smallest / step) - 1e-9) + i) * step).Where(tick => tick <= largest * 1.001)];
        }

        double[] Within(double[] steps) =>
        [
            .. Enumerable.Range(first, last - first + 1).SelectMany(decade => steps.Select(step => step * Math.Pow(10, decade)))
                .Where(tick => tick >= smallest * 0.999 && tick <= largest * 1.001),
        ];
    }
}
