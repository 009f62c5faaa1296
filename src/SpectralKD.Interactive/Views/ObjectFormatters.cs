using System.Globalization;
using System.Net;
using Microsoft.Data.Analysis;
using Microsoft.DotNet.Interactive.Formatting;
using Plotly.NET;

namespace SpectralKD.Interactive.Views;

/// <summary>Shows views, and the library's own objects that have one, in notebooks: as HTML, with plain text beside it.</summary>
internal static class ObjectFormatters
{
    /// <summary>Registers the views of models, images, spectra, verdicts, layer pairs, runs, comparisons and DataFrames. Idempotent.</summary>
    internal static void Register()
    {
        Register<INotebookView>(view => view);
        Register<ModelSpectrum>(spectrum => new SpectrumView(spectrum));
        Register<UShape>(shape => new UShapeView(shape));
        Register<LayerPairs>(pairs => new LayerPairsView(pairs));
        Register<IImageSource>(images => new ImagesView(images));
        Register<VisionModel>(ModelCardView.Of);
        Register<DistillationRun>(run => new RunView(run));
        Register<ComparisonResult>(result => new ComparisonView(result));
        Register<DataFrame>(frame => new DataFrameView(frame));
    }

    private static void Register<T>(Func<T, INotebookView> view)
    {
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToHtml()), HtmlFormatter.MimeType);
        Formatter.Register<T>((value, writer) => writer.Write(view(value).ToPlainText()), PlainTextFormatter.MimeType);
        Formatter.SetPreferredMimeTypesFor(typeof(T), HtmlFormatter.MimeType, PlainTextFormatter.MimeType);
    }
}

/// <summary>Shows Plotly.NET charts in notebooks.</summary>
internal static class ChartFormatter
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

/// <summary>The first rows of a DataFrame as a table.</summary>
/// <param name="Frame">The table.</param>
/// <param name="Limit">Rows shown at most.</param>
internal sealed record DataFrameView(DataFrame Frame, int Limit = 25) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div style=\"overflow-x:auto;white-space:nowrap\">{Table().ToHtml()}</div><div>{WebUtility.HtmlEncode(Size())}</div>";

    /// <inheritdoc/>
    public string ToPlainText() => Table().ToPlainText() + Environment.NewLine + Size();

    private string Size()
    {
        var rest = Frame.Rows.Count > Limit ? FormattableString.Invariant($", the first {Limit} shown") : "";
        return FormattableString.Invariant($"{Frame.Rows.Count:N0} rows × {Frame.Columns.Count} columns{rest}");
    }

    private TextTable Table()
    {
        var table = new TextTable([.. Frame.Columns.Select(column => column.Name)]);
        for (long row = 0; row < Math.Min(Limit, Frame.Rows.Count); row++)
        {
            table.Add([.. Frame.Columns.Select(column => Cell(column[row]))]);
        }

        return table;
    }

    private static string Cell(object? value) => value switch
    {
        null => "",
        double number => number.ToString("G6", CultureInfo.InvariantCulture),
        float number => number.ToString("G6", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
