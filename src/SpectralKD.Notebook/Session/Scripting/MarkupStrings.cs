#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>TeX that a notebook sets as such: <c>(LaTeXString)@"$x^2$"</c>, spelled as in .NET Interactive. Shown as <c>text/latex</c>.</summary>
[TypeFormatterSource(typeof(LaTeXFormatterSource))]
public class LaTeXString
{
    private readonly string _source;

    /// <summary>Takes the source as it is.</summary>
    /// <param name="latexCode">TeX, within <c>$</c> or an environment for mathematics.</param>
    public LaTeXString(string latexCode)
    {
        ArgumentNullException.ThrowIfNull(latexCode);
        _source = latexCode;
    }

    /// <summary>Takes the source as it is.</summary>
    public static implicit operator LaTeXString(string source) => new(source);

    /// <summary>The source.</summary>
    public override string ToString() => _source;
}

/// <summary>A displayed formula, without the dollars: <c>(MathString)@"x^2"</c>, spelled as in .NET Interactive.</summary>
/// <param name="latexCode">TeX; <c>$$</c> is put around it where it lacks.</param>
[TypeFormatterSource(typeof(LaTeXFormatterSource))]
public sealed class MathString(string latexCode) : LaTeXString(Delimited(latexCode))
{
    private const string Delimiter = "$$";

    /// <summary>Takes the source of a formula.</summary>
    public static implicit operator MathString(string source) => new(source);

    private static string Delimited(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var before = source.StartsWith(Delimiter, StringComparison.Ordinal) ? "" : Delimiter;
        var after = source.EndsWith(Delimiter, StringComparison.Ordinal) && source.Length > Delimiter.Length ? "" : Delimiter;
        return before + source + after;
    }
}

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
