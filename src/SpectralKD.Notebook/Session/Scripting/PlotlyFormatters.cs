#pragma warning disable IDE0130 // Plotly.NET.Interactive's namespace: notebooks with `using Plotly.NET.Interactive;` run here unchanged.

namespace Plotly.NET.Interactive;

/// <summary>What notebooks call of the package Plotly.NET.Interactive; here charts need no network.</summary>
public static class Formatters
{
    /// <summary>A chart as HTML that stands by itself.</summary>
    /// <param name="gChart">The chart.</param>
#pragma warning disable IDE1006 // Spelled as in that package.
    public static string toInteractiveHTML(GenericChart gChart) => ChartHtml.WithLibrary(gChart);
#pragma warning restore IDE1006
}
