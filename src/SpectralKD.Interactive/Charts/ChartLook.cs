using System.Net;

namespace SpectralKD.Interactive.Charting;

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
        ["hovermode"] = "closest",
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
