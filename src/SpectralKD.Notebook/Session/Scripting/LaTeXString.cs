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
