#pragma warning disable IDE0130 // Beside LaTeXString, so that one using brings both.

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>Text in Markdown. Shown as <c>text/markdown</c>; as plain text it is its source.</summary>
[TypeFormatterSource(typeof(MarkdownFormatterSource))]
public sealed class MarkdownString
{
    private readonly string _source;

    /// <summary>Takes the source as it is.</summary>
    /// <param name="content">Markdown.</param>
    public MarkdownString(string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        _source = content;
    }

    /// <summary>The source.</summary>
    public override string ToString() => _source;
}
