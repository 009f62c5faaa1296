using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;

namespace SpectralKD.Notebook.Running;

/// <summary>C# source for parameter names and values.</summary>
internal static class CSharpLiteral
{
    public static void RequireIdentifier(string name)
    {
        if (!SyntaxFacts.IsValidIdentifier(name) || SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None)
        {
            throw new SpectralKDException($"--parameter \"{name}\": a parameter's name must be a C# identifier (letters, digits, _)");
        }
    }

    public static string Of(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => SymbolDisplay.FormatLiteral(text, quote: true),
        int number => number.ToString(CultureInfo.InvariantCulture),
        long number => number.ToString(CultureInfo.InvariantCulture) + "L",
        double number => Double(number),
        _ => throw new ArgumentException($"no literal for a {value.GetType().Name}", nameof(value)),
    };

    private static string Double(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny('.', 'E', 'e') ? text : text + ".0";
    }
}
