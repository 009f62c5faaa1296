#pragma warning disable IDE0130 // Beside what it formats.

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>Shows TeX as <c>text/latex</c>; unlike a registration it outlives <c>Formatter.ResetToDefault()</c>.</summary>
internal sealed class LaTeXFormatterSource : ITypeFormatterSource
{
    /// <inheritdoc />
    public IEnumerable<ITypeFormatter> CreateTypeFormatters() => SourceFormatter<LaTeXString>.For("text/latex");
}

/// <summary>Shows Markdown as <c>text/markdown</c>.</summary>
internal sealed class MarkdownFormatterSource : ITypeFormatterSource
{
    /// <inheritdoc />
    public IEnumerable<ITypeFormatter> CreateTypeFormatters() => SourceFormatter<MarkdownString>.For("text/markdown");
}

/// <summary>Shows a value by its text, which is the source of a MIME type.</summary>
internal sealed class SourceFormatter<T>(string mimeType) : TypeFormatter<T>
{
    /// <summary>The formatters of a type: its own MIME type first, and plain text.</summary>
    public static ITypeFormatter[] For(string mimeType)
    {
        Formatter.SetPreferredMimeTypesFor(typeof(T), mimeType);
        return [new SourceFormatter<T>(mimeType), new SourceFormatter<T>("text/plain")];
    }

    /// <inheritdoc />
    public override string MimeType => mimeType;

    /// <inheritdoc />
    public override bool Format(T value, FormatContext context)
    {
        context.Writer.Write(value?.ToString());
        return true;
    }
}
