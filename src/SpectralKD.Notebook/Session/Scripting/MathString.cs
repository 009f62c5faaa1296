#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive.Formatting;

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
