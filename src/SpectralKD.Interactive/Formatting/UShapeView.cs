using System.Net;

namespace SpectralKD.Interactive.Formatting;

/// <summary>A U-curve's verdict in words, with its means and, where there is no U, the warning.</summary>
/// <param name="Shape">The verdict.</param>
public sealed record UShapeView(UShape Shape) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Shape.Words)}</b>{WebUtility.HtmlEncode(Means())}"
        + (Shape.Warning is { } warning ? $"<br>⚠ {WebUtility.HtmlEncode(warning)}" : "") + "</div>";

    /// <inheritdoc/>
    public string ToPlainText() => Shape.Words + Means() + (Shape.Warning is { } warning ? $"{Environment.NewLine}Warning: {warning}" : "");

    private string Means() => Shape.Verdict == UShapeVerdict.TooFewBlocks ? "" : FormattableString.Invariant(
        $": mean intensity {Shape.First:G4} in the first quarter, {Shape.Middle:G4} in the middle half, {Shape.Last:G4} in the last quarter");
}
