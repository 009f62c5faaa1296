using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>Something that a command tells the user: a line, and details where there are any.</summary>
/// <param name="Text">One line.</param>
/// <param name="Details">Further lines, shown on demand.</param>
public sealed record MessageView(string Text, params IReadOnlyList<string> Details) : INotebookView
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
