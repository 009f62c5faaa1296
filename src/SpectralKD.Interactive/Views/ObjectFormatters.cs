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
        Register<SpectralReport>(report => new ReportView(report));
        Register<UShape>(shape => new UShapeView(shape));
        Register<LayerPairs>(pairs => new LayerPairsView(pairs));
        Register<IImageSource>(images => new ImagesView(images));
        Register<VisionModel>(ModelCardView.Of);
        Register<DistillationRun>(run => new RunView(run));
        Register<ComparisonResult>(result => new ComparisonView(result));
        Register<ModelSimilarity>(similarity => new DataFrameView(similarity.ToDataFrame()));
        Register<LayerPredictions>(predictions => new DataFrameView(predictions.Table));
        Register<LayerStudy>(study => new DataFrameView(study.ToDataFrame()));
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

/// <summary>
/// The first rows of a DataFrame as a table of what differs: columns that are the same in all rows stand in a line below, empty ones by name. The whole table is a click away.
/// </summary>
/// <param name="Frame">The table.</param>
/// <param name="Limit">Rows shown at most.</param>
internal sealed record DataFrameView(DataFrame Frame, int Limit = 25) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml()
    {
        var (shown, folded) = Columns();
        return Scrolling(Table(shown)) + $"<div>{WebUtility.HtmlEncode(Size())}</div>"
            + (folded.Count == 0 ? "" : $"<div style=\"font-size:90%\">{WebUtility.HtmlEncode(Folded(folded))}</div><details><summary>all columns</summary>{Scrolling(Table([.. Frame.Columns]))}</details>");
    }

    /// <inheritdoc/>
    public string ToPlainText()
    {
        var (shown, folded) = Columns();
        return Table(shown).ToPlainText() + Environment.NewLine + Size() + (folded.Count == 0 ? "" : Environment.NewLine + Folded(folded));
    }

    private static string Scrolling(TextTable table) => $"<div class=\"skd-scroll\" style=\"overflow-x:auto;white-space:nowrap;font-variant-numeric:tabular-nums\">{table.ToHtml()}</div>";

    private string Size()
    {
        var rest = Frame.Rows.Count > Limit ? FormattableString.Invariant($", the first {Limit} shown") : "";
        return $"{PlainText.Count(Frame.Rows.Count, "row")} × {PlainText.Count(Frame.Columns.Count, "column")}{rest}";
    }

    /// <summary>The columns whose rows differ, and those that are the same or empty in all of at least two rows.</summary>
    private (IReadOnlyList<DataFrameColumn> Shown, IReadOnlyList<DataFrameColumn> Folded) Columns()
    {
        var folded = Frame.Columns.Where(column => column.Length > 1 && Enumerable.Range(1, (int)column.Length - 1).All(row => Equals(column[row], column[0]))).ToList();
        return folded.Count == Frame.Columns.Count ? ([.. Frame.Columns], []) : ([.. Frame.Columns.Except(folded)], folded);
    }

    private static string Folded(IReadOnlyList<DataFrameColumn> columns)
    {
        var same = columns.Where(column => column[0] is not null).Select(column => $"{column.Name}: {Number(column[0], null)}").ToList();
        var empty = columns.Where(column => column[0] is null).Select(column => column.Name).ToList();
        return string.Join(" · ", new[]
        {
            same.Count > 0 ? $"in all rows: {string.Join(", ", same)}" : null,
            empty.Count > 0 ? $"empty: {string.Join(", ", empty)}" : null,
        }.OfType<string>());
    }

    private TextTable Table(IReadOnlyList<DataFrameColumn> columns)
    {
        var rows = (int)Math.Min(Limit, Frame.Rows.Count);
        var formats = columns.Select(column => Decimals(column, rows)).ToList();
        var table = new TextTable([.. columns.Select(column => column.Name)]);
        for (var row = 0; row < rows; row++)
        {
            table.Add([.. columns.Select((column, i) => Number(column[row], formats[i]))]);
        }

        return table;
    }

    /// <summary>One number of decimals for a column, so that its points stand below each other: five digits of the largest, where that leaves the smallest two. Null for none.</summary>
    private static string? Decimals(DataFrameColumn column, int rows)
    {
        var sizes = Enumerable.Range(0, rows).Select(row => column[row]).Where(value => value is double or float).Select(value => Math.Abs(Convert.ToDouble(value, CultureInfo.InvariantCulture)))
            .Where(value => value > 0).ToList();
        if (sizes.Count == 0 || !sizes.TrueForAll(double.IsFinite) || sizes.Max() is >= 1e6 or < 1e-3)
        {
            return null;
        }

        var decimals = Math.Max(0, 4 - (int)Math.Floor(Math.Log10(sizes.Max())));
        return sizes.Min() >= 10 * Math.Pow(10, -decimals) ? $"F{decimals}" : null;
    }

    private static string Number(object? value, string? format) => value switch
    {
        null => "",
        double number => number.ToString(double.IsFinite(number) ? format ?? "G6" : "G6", CultureInfo.InvariantCulture),
        float number => number.ToString(float.IsFinite(number) ? format ?? "G6" : "G6", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
