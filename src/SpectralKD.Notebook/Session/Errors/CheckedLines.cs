using System.Globalization;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>
/// Where one of the runtime's own checks failed: of an index, a division, checked arithmetic. Cells are optimised code, in which all checks of
/// a function share one place, so the runtime knows the function but not the line; the source tells which lines come into question.
/// </summary>
internal static class CheckedLines
{
    private const int MostLines = 4;

    /// <summary><c>cell [3], line 4</c>, <c>cell [3], line 4 or 6</c>, or <c>cell [3]</c> where there are many.</summary>
    /// <param name="source">The cell.</param>
    /// <param name="function">The user's name of the function that failed; empty for none, and for a lambda.</param>
    /// <param name="line">The line that the runtime names, from 1; 0 for none. It is believed where it has such a check.</param>
    /// <param name="failed">What was thrown.</param>
    public static string Place(CellSource source, string function, int line, Exception failed)
    {
        var root = CSharpSyntaxTree.ParseText(source.Code, CellCompiler.ParseOptions).GetRoot();
        int[] lines = [.. Within(root, function).Select(node => CheckOf(node, failed)).OfType<SyntaxNodeOrToken>().Select(LineOf).Distinct()];
        string[] words = [.. (lines.Contains(line) ? [line] : lines).Select(number => number.ToString(CultureInfo.InvariantCulture))];
        return words.Length switch
        {
            0 or > MostLines => source.Name,
            1 => $"{source.Name}, line {words[0]}",
            _ => $"{source.Name}, line {string.Join(", ", words[..^1])} or {words[^1]}",
        };
    }

    /// <summary>True where a frame is the runtime's own, of a check that failed.</summary>
    public static bool IsCheck(MethodBase? method) => method?.DeclaringType?.FullName == "Internal.Runtime.CompilerHelpers.ThrowHelpers";

    private static IEnumerable<SyntaxNode> Within(SyntaxNode root, string function)
    {
        var functions = root.DescendantNodes().Where(node => NameOf(node) is not null).ToArray();
        var named = functions.Where(node => NameOf(node) == function).ToArray();
        return named.Length > 0 ? named.SelectMany(node => node.DescendantNodes())
            : function.Length > 0 ? root.DescendantNodes()
            : root.DescendantNodes(node => !functions.Contains(node));
    }

    private static SyntaxNodeOrToken? CheckOf(SyntaxNode node, Exception failed) => (node, failed) switch
    {
        (BracketedArgumentListSyntax { Parent: ExpressionSyntax }, IndexOutOfRangeException) => node,
        (BinaryExpressionSyntax { RawKind: (int)SyntaxKind.DivideExpression or (int)SyntaxKind.ModuloExpression } division, DivideByZeroException)
            => division.OperatorToken,
        (AssignmentExpressionSyntax { RawKind: (int)SyntaxKind.DivideAssignmentExpression or (int)SyntaxKind.ModuloAssignmentExpression } division,
            DivideByZeroException) => division.OperatorToken,
        (BinaryExpressionSyntax arithmetic, OverflowException) => arithmetic.OperatorToken,
        (AssignmentExpressionSyntax { OperatorToken: { RawKind: not (int)SyntaxKind.EqualsToken } sign }, OverflowException) => sign,
        (PrefixUnaryExpressionSyntax or PostfixUnaryExpressionSyntax or CastExpressionSyntax, OverflowException) => node,
        _ => null,
    };

    private static string? NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        LocalFunctionStatementSyntax function => function.Identifier.Text,
        _ => null,
    };

    private static int LineOf(SyntaxNodeOrToken check) => check.SyntaxTree!.GetLineSpan(check.Span).StartLinePosition.Line + 1;
}
