using System.Globalization;
using System.Net;
using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Formatting;

/// <summary>The first rows of a DataFrame as a table.</summary>
/// <param name="Frame">The table.</param>
/// <param name="Limit">Rows shown at most.</param>
public sealed record DataFrameView(DataFrame Frame, int Limit = 25) : INotebookView
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
