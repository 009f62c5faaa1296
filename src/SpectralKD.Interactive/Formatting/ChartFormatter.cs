using Microsoft.DotNet.Interactive.Formatting;
using Plotly.NET;

namespace SpectralKD.Interactive.Formatting;

/// <summary>Shows Plotly.NET charts in notebooks.</summary>
public static class ChartFormatter
{
    /// <summary>The figure as JSON, drawn by VS Code and JupyterLab themselves.</summary>
    public const string PlotlyMime = "application/vnd.plotly.v1+json";

    /// <summary>
    /// Registers the chart's representations. Idempotent, and not undone by Plotly.NET.Interactive, which registers HTML that needs a CDN for
    /// <see cref="GenericChart"/>: charts are of its nested types, and what is registered for the nearer type counts.
    /// </summary>
    /// <param name="plotlyMime">
    /// True makes <see cref="PlotlyMime"/> beside <c>text/html</c>; false only <c>text/html</c>, for front ends that take the JSON as text.
    /// </param>
    public static void Register(bool plotlyMime)
    {
        string[] mimes = plotlyMime
            ? [PlotlyMime, HtmlFormatter.MimeType, PlainTextFormatter.MimeType]
            : [HtmlFormatter.MimeType, PlainTextFormatter.MimeType];
        foreach (var type in typeof(GenericChart).GetNestedTypes().Where(nested => nested.IsSubclassOf(typeof(GenericChart))).Append(typeof(GenericChart)))
        {
            Register(type, HtmlFormatter.MimeType, ChartHtml.InNotebook);
            Register(type, PlainTextFormatter.MimeType, ChartText.Of);
            if (plotlyMime)
            {
                Register(type, PlotlyMime, ChartHtml.FigureJson);
            }

            Formatter.SetPreferredMimeTypesFor(type, mimes);
        }
    }

    private static void Register(Type type, string mime, Func<GenericChart, string> text) =>
        Formatter.Register(type, (chart, writer) => writer.Write(text((GenericChart)chart)), mime);
}
