using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A line that a command tells the user.</summary>
/// <param name="Text">One line.</param>
public sealed record MessageView(string Text) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div>{WebUtility.HtmlEncode(Text)}</div>";

    /// <inheritdoc/>
    public string ToPlainText() => Text;
}
