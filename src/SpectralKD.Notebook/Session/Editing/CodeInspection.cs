using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.QuickInfo;

namespace SpectralKD.Notebook.Session;

/// <summary>Says what stands at a position: its signature, its overloads within a call, and its documentation.</summary>
internal static class CodeInspection
{
    private const int MostOverloads = 20;

    /// <summary>What there is to say; null for nothing.</summary>
    public static async Task<MimeBundle?> AtAsync(Document document, int position, CancellationToken cancellationToken)
    {
        var root = await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false);
        var service = QuickInfoService.GetService(document);
        if (root is null || service is null)
        {
            return null;
        }

        foreach (var (at, name) in Candidates(root, position))
        {
            if (await service.GetQuickInfoAsync(document, at, cancellationToken).ConfigureAwait(false) is { } info)
            {
                return Bundle(info, name is null ? [] : await OverloadsAsync(document, name, cancellationToken).ConfigureAwait(false));
            }
        }

        return null;
    }

    /// <summary>
    /// The name at the cursor or right before it; otherwise the function in whose brackets the cursor stands, and last what else there is,
    /// such as a number's type.
    /// </summary>
    private static IEnumerable<(int Position, ExpressionSyntax? Name)> Candidates(SyntaxNode root, int position)
    {
        var at = Math.Clamp(position, 0, root.FullSpan.End);
        int[] near = at > 0 ? [at, at - 1] : [at];
        var tokens = near.Select(place => (Place: place, Token: root.FindToken(place))).Where(found => found.Token.Span.Contains(found.Place));
        foreach (var (place, token) in tokens.Where(found => IsName(found.Token)))
        {
            yield return (place, token.Parent as SimpleNameSyntax);
        }

        if (NameOf(CallAround(root, at)) is { } called)
        {
            yield return (called.SpanStart, called);
        }

        foreach (var place in near)
        {
            yield return (place, null);
        }
    }

    /// <summary>A name, or a keyword that is one: <c>int</c>, <c>var</c>, <c>this</c>.</summary>
    private static bool IsName(SyntaxToken token)
        => (token.IsKind(SyntaxKind.IdentifierToken) || token.IsKeyword()) && token.Parent is not LiteralExpressionSyntax;

    private static SyntaxNode? CallAround(SyntaxNode root, int position)
        => root.FindToken(Math.Max(0, position - 1)).Parent?.AncestorsAndSelf().OfType<BaseArgumentListSyntax>()
            .FirstOrDefault(list => list.SpanStart < position)?.Parent;

    private static ExpressionSyntax? NameOf(SyntaxNode? call) => call switch
    {
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member } => member.Name,
        InvocationExpressionSyntax { Expression: MemberBindingExpressionSyntax member } => member.Name,
        InvocationExpressionSyntax invocation => invocation.Expression,
        ObjectCreationExpressionSyntax { Type: QualifiedNameSyntax qualified } => qualified.Right,
        ObjectCreationExpressionSyntax creation => creation.Type,
        ImplicitObjectCreationExpressionSyntax creation => creation,
        _ => null,
    };

    private static async Task<string[]> OverloadsAsync(Document document, ExpressionSyntax name, CancellationToken cancellationToken)
    {
        if (await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false) is not { } model)
        {
            return [];
        }

        var group = name.FirstAncestorOrSelf<BaseObjectCreationExpressionSyntax>() is { } creation && NameOf(creation) == name
            ? Constructors(model.GetTypeInfo(creation, cancellationToken).Type)
            : model.GetMemberGroup(name, cancellationToken);
        return group.Length < 2 ? [] : [.. group.Take(MostOverloads).Select(symbol => symbol.ToMinimalDisplayString(model, name.SpanStart))];
    }

    private static ImmutableArray<ISymbol> Constructors(ITypeSymbol? type)
        => [.. (type as INamedTypeSymbol)?.InstanceConstructors.Where(made => made.DeclaredAccessibility == Accessibility.Public) ?? []];

    private static MimeBundle Bundle(QuickInfoItem info, string[] overloads)
    {
        var descriptions = info.Sections.Where(section => section.Kind == QuickInfoSectionKinds.Description);
        var signature = string.Join('\n', descriptions.Select(section => section.Text));
        var rest = info.Sections
            .Where(section => section.Kind != QuickInfoSectionKinds.Description && !string.IsNullOrWhiteSpace(section.Text))
            .Select(section => section.Text.ReplaceLineEndings("\n").Trim())
            .ToArray();
        var code = string.Join('\n', overloads.Length > 0 ? [signature, "", .. overloads] : new[] { signature });
        return new MimeBundle(new Dictionary<string, JsonNode>
        {
            ["text/plain"] = JsonValue.Create(string.Join("\n\n", rest.Prepend(code))),
            ["text/markdown"] = JsonValue.Create(string.Join("\n\n", rest.Prepend($"```csharp\n{code}\n```"))),
        });
    }
}
