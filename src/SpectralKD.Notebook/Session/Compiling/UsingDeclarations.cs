using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>
/// <c>using var x = …;</c> outside of braces, which a script cannot hold: a cell's variables outlive it. The variable is declared without <c>using</c>, and the
/// reader is told so, instead of refusing code that a program may hold.
/// </summary>
internal static class UsingDeclarations
{
    /// <summary>The code with blanks in place of these <c>using</c>s, so that all positions stay.</summary>
    /// <param name="code">A cell's C#.</param>
    /// <param name="advice">Gets a line for each.</param>
    public static string TakeOut(string code, ICollection<string> advice)
    {
        if (!code.Contains("using ", StringComparison.Ordinal))
        {
            return code;
        }

        var declarations = CSharpSyntaxTree.ParseText(code, CellCompiler.ParseOptions.WithKind(SourceCodeKind.Regular)).GetCompilationUnitRoot().Members
            .OfType<GlobalStatementSyntax>().Select(member => member.Statement).OfType<LocalDeclarationStatementSyntax>()
            .Where(declaration => !declaration.UsingKeyword.IsKind(SyntaxKind.None) && !declaration.UsingKeyword.IsMissing);
        var text = code.ToCharArray();
        foreach (var declaration in declarations)
        {
            var place = declaration.GetLocation().GetLineSpan().StartLinePosition;
            var names = declaration.Declaration.Variables.Select(variable => variable.Identifier.Text).ToArray();
            advice.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"({place.Line + 1},{place.Character + 1}): using is left out. A cell's variables outlive it: write var alone, or put the using into {{ }}; {names[0]} is disposed by {names[0]}.Dispose()"));
            foreach (var token in (SyntaxToken[])[declaration.AwaitKeyword, declaration.UsingKeyword])
            {
                text.AsSpan(token.SpanStart, token.Span.Length).Fill(' ');
            }
        }

        return new string(text);
    }
}
