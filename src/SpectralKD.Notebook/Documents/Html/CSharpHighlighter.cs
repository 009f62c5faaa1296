using System.Net;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Documents;

/// <summary>Colours C# by Roslyn's own syntax tree; magic lines (<c>#!name …</c>) too.</summary>
/// <remarks>
/// Not by Roslyn's Classifier: it knows types and methods only from a compilation with all references and all cells before (without, they are plain
/// identifiers), which takes 0.4 s of processor time for each cell and seconds for the first; this takes none of that and needs no kernel.
/// </remarks>
internal static class CSharpHighlighter
{
    private static readonly CSharpParseOptions Script = new(kind: SourceCodeKind.Script);

    public static string ToHtml(string code)
    {
        if (NestedCode.IsTooDeep(code))
        {
            return WebUtility.HtmlEncode(code);
        }
        // A magic line is no C#: the parser gets a comment of the same length in its place.
        var lines = code.Split('\n');
        var isMagic = lines.Select(line => line.TrimStart().StartsWith("#!", StringComparison.Ordinal)).ToArray();
        var masked = string.Join('\n', lines.Select((line, index) => isMagic[index] ? new string('/', line.Length) : line));
        var html = new StringBuilder();
        foreach (var token in CSharpSyntaxTree.ParseText(masked, Script).GetRoot().DescendantTokens())
        {
            AppendTrivia(html, token.LeadingTrivia, code);
            Append(html, ClassOf(token), Original(code, token.Span.Start, token.Span.End));
            AppendTrivia(html, token.TrailingTrivia, code);
        }
        return html.ToString();
    }

    private static string Original(string code, int start, int end) => code[start..end];

    private static void AppendTrivia(StringBuilder html, SyntaxTriviaList trivia, string code)
    {
        foreach (var piece in trivia)
        {
            var text = Original(code, piece.FullSpan.Start, piece.FullSpan.End);
            var isMagic = text.TrimStart().StartsWith("#!", StringComparison.Ordinal);
            if (isMagic)
            {
                AppendMagic(html, text);
                continue;
            }
            Append(html, ClassOf(piece), text);
        }
    }

    private static void AppendMagic(StringBuilder html, string line)
    {
        foreach (var word in SplitKeepingBlanks(line))
        {
            var kind = word.TrimStart().StartsWith("#!", StringComparison.Ordinal) ? "magic" : word.StartsWith('-') ? "attr" : word.StartsWith('@') ? "var" : "";
            Append(html, kind, word);
        }
    }

    private static IEnumerable<string> SplitKeepingBlanks(string line)
    {
        var start = 0;
        for (var index = 1; index < line.Length; index++)
        {
            if (line[index - 1] == ' ' != (line[index] == ' '))
            {
                yield return line[start..index];
                start = index;
            }
        }
        yield return line[start..];
    }

    private static void Append(StringBuilder html, string kind, string text)
        => html.Append(kind.Length == 0 || text.Length == 0
            ? WebUtility.HtmlEncode(text)
            : $"<span class=\"c-{kind}\">{WebUtility.HtmlEncode(text)}</span>");

    private static string ClassOf(SyntaxTrivia trivia) => trivia.Kind() switch
    {
        SyntaxKind.WhitespaceTrivia or SyntaxKind.EndOfLineTrivia => "",
        SyntaxKind.SkippedTokensTrivia or SyntaxKind.DisabledTextTrivia => "",
        _ => trivia.IsDirective ? "magic" : "comment",
    };

    private static string ClassOf(SyntaxToken token) => token.Kind() switch
    {
        SyntaxKind.NumericLiteralToken => "number",
        SyntaxKind.IdentifierToken => ClassOfName(token),
        _ when IsText(token.Kind()) => "string",
        _ when token.IsKeyword() || SyntaxFacts.IsContextualKeyword(token.Kind()) => "keyword",
        _ => "",
    };

    private static bool IsText(SyntaxKind kind) => kind is SyntaxKind.StringLiteralToken or SyntaxKind.CharacterLiteralToken
        or SyntaxKind.InterpolatedStringStartToken or SyntaxKind.InterpolatedVerbatimStringStartToken or SyntaxKind.InterpolatedStringTextToken
        or SyntaxKind.InterpolatedStringEndToken or SyntaxKind.InterpolatedSingleLineRawStringStartToken
        or SyntaxKind.InterpolatedMultiLineRawStringStartToken or SyntaxKind.InterpolatedRawStringEndToken
        or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken or SyntaxKind.Utf8StringLiteralToken;

    private static string ClassOfName(SyntaxToken token) => token.Parent switch
    {
        IdentifierNameSyntax { IsVar: true } => "keyword",
        BaseTypeDeclarationSyntax or TypeParameterSyntax or ConstructorDeclarationSyntax => "type",
        MethodDeclarationSyntax or LocalFunctionStatementSyntax => "method",
        SimpleNameSyntax name => ClassOfUse(name),
        _ => "",
    };

    private static string ClassOfUse(SimpleNameSyntax name) => name.Parent switch
    {
        InvocationExpressionSyntax => "method",
        MemberAccessExpressionSyntax access when access.Name == name && access.Parent is InvocationExpressionSyntax call && call.Expression == access
            => "method",
        MemberAccessExpressionSyntax access when access.Expression == name && name.Identifier.ValueText is [>= 'A' and <= 'Z', ..] => "type",
        ObjectCreationExpressionSyntax or TypeArgumentListSyntax or VariableDeclarationSyntax or ParameterSyntax or BaseTypeSyntax
            or CastExpressionSyntax or TypeOfExpressionSyntax or ArrayTypeSyntax or NullableTypeSyntax or DeclarationPatternSyntax => "type",
        _ => "",
    };
}
