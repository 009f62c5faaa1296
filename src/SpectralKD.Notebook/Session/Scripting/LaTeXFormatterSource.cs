#pragma warning disable IDE0130 // Beside what it formats.

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>Shows TeX as <c>text/latex</c>; unlike a registration it outlives <c>Formatter.ResetToDefault()</c>.</summary>
internal sealed class LaTeXFormatterSource : ITypeFormatterSource
{
    private const string LaTeX = "text/latex";

    /// <inheritdoc />
    public IEnumerable<ITypeFormatter> CreateTypeFormatters()
    {
        Formatter.SetPreferredMimeTypesFor(typeof(LaTeXString), LaTeX);
        return [new SourceFormatter(LaTeX), new SourceFormatter("text/plain")];
    }

    private sealed class SourceFormatter(string mimeType) : TypeFormatter<LaTeXString>
    {
        public override string MimeType => mimeType;

        public override bool Format(LaTeXString value, FormatContext context)
        {
            context.Writer.Write(value.ToString());
            return true;
        }
    }
}
