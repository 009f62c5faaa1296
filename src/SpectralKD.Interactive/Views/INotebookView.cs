using System.Net;
using System.Text;

namespace SpectralKD.Interactive.Views;

/// <summary>Something made to be looked at: it renders itself as HTML and as plain text.</summary>
internal interface INotebookView
{
    /// <summary>A fragment of HTML that stands by itself: no scripts, no outside resources, legible on light and dark pages.</summary>
    string ToHtml();

    /// <summary>The same as text, for consoles and for front ends without HTML.</summary>
    string ToPlainText();
}

/// <summary>A small table with a header row, as HTML or as aligned text.</summary>
/// <param name="headers">One heading a column.</param>
internal sealed class TextTable(params string[] headers)
{
    private const int Sentence = 40;
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row; cells are text and are encoded.</summary>
    public TextTable Add(params string[] cells)
    {
        _rows.Add(cells);
        return this;
    }

    /// <summary>The table as HTML. Columns of numbers are aligned to the right.</summary>
    public string ToHtml()
    {
        var html = new StringBuilder("<table class=\"skd-table\" style=\"border-collapse:collapse;text-align:left\"><thead><tr>");
        for (var column = 0; column < headers.Length; column++)
        {
            html.Append($"<th style=\"{Style(column)};border-bottom:1px solid currentColor\">{WebUtility.HtmlEncode(headers[column])}</th>");
        }

        html.Append("</tr></thead><tbody>");
        foreach (var row in _rows)
        {
            html.Append("<tr>");
            for (var column = 0; column < row.Length; column++)
            {
                html.Append($"<td style=\"{Style(column)}\">{WebUtility.HtmlEncode(row[column])}</td>");
            }

            html.Append("</tr>");
        }

        return html.Append("</tbody></table>").ToString();
    }

    /// <summary>The table as text with aligned columns, without a line end at its end.</summary>
    public string ToPlainText()
    {
        var widths = Enumerable.Range(0, headers.Length)
            .Select(c => _rows.Append(headers).Max(r => c < r.Length ? r[c].Length : 0)).ToArray();
        string Line(string[] cells) => string.Join("  ", cells.Select((cell, c) => IsNumeric(c) ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]))).TrimEnd();
        return string.Join(Environment.NewLine, _rows.Prepend(headers).Select(Line));
    }

    // A number stays beside its unit and spread; a sentence keeps room to be read in, and the table scrolls.
    private string Style(int column) => "padding:2px 12px 2px 0;vertical-align:top;"
        + (IsNumeric(column) ? "text-align:right;white-space:nowrap" : _rows.Exists(row => column < row.Length && row[column].Length > Sentence) ? "text-align:left;min-width:14em" : "text-align:left");

    private bool IsNumeric(int column) => _rows.Count > 0 && _rows.All(r =>
        column >= r.Length || r[column].Length == 0 || char.IsAsciiDigit(r[column][0]) || r[column][0] is '-' or '−' or '+');
}

/// <summary>Something that a command tells the user: a line, and details where there are any.</summary>
/// <param name="Text">One line.</param>
/// <param name="Details">Further lines, shown on demand.</param>
internal sealed record MessageView(string Text, params IReadOnlyList<string> Details) : INotebookView
{
    /// <summary>Tells which images could not be read and were left out.</summary>
    public static MessageView Skipped(IReadOnlyList<string> skipped) =>
        new($"{skipped.Count} image{(skipped.Count == 1 ? "" : "s")} could not be read and {(skipped.Count == 1 ? "was" : "were")} left out:", skipped);

    /// <inheritdoc/>
    public string ToHtml() => Details.Count == 0
        ? $"<div>{WebUtility.HtmlEncode(Text)}</div>"
        : $"<details open><summary>{WebUtility.HtmlEncode(Text)}</summary><ul>{string.Concat(Details.Select(d => $"<li>{WebUtility.HtmlEncode(d)}</li>"))}</ul></details>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, Details.Select(d => "  " + d).Prepend(Text));
}
