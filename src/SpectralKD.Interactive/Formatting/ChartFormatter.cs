using Microsoft.DotNet.Interactive.Formatting;
using Plotly.NET;
using SpectralKD.Interactive.Charting;

namespace SpectralKD.Interactive.Formatting;

/// <summary>Shows Plotly.NET charts in notebooks.</summary>
public static class ChartFormatter
{
    /// <summary>The figure as JSON, drawn by VS Code and JupyterLab themselves.</summary>
    public const string PlotlyMime = "application/vnd.plotly.v1+json";

    /// <summary>Registers the chart's representations. Harmless when called again.</summary>
    /// <param name="plotlyMime">
    /// True makes <see cref="PlotlyMime"/> beside <c>text/html</c>; false only <c>text/html</c>, for front ends that take the JSON as text.
    /// </param>
    public static void Register(bool plotlyMime)
    {
        Formatter.Register<GenericChart>((chart, writer) => writer.Write(ChartHtml.WithLibrary(chart)), HtmlFormatter.MimeType);
        Formatter.Register<GenericChart>((chart, writer) => writer.Write(ChartText.Of(chart)), PlainTextFormatter.MimeType);
        if (plotlyMime)
        {
            Formatter.Register<GenericChart>((chart, writer) => writer.Write(ChartHtml.FigureJson(chart)), PlotlyMime);
        }

        string[] mimes = plotlyMime
            ? [PlotlyMime, HtmlFormatter.MimeType, PlainTextFormatter.MimeType]
            : [HtmlFormatter.MimeType, PlainTextFormatter.MimeType];
        Formatter.SetPreferredMimeTypesFor(typeof(GenericChart), mimes);
    }
}
