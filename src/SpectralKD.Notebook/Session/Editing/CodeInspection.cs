using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.QuickInfo;

namespace SpectralKD.Notebook.Session.Editing;

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

        foreach (var candidate in Candidates(root, position))
        {
            if (await service.GetQuickInfoAsync(document, candidate, cancellationToken).ConfigureAwait(false) is { } info)
            {
                var overloads = await OverloadsAsync(document, root, position, cancellationToken).ConfigureAwait(false);
                return Bundle(info, overloads);
            }
        }

        return null;
    }

    /// <summary>The name at the cursor or right before it; otherwise the function in whose brackets the cursor stands.</summary>
    private static IEnumerable<int> Candidates(SyntaxNode root, int position)
    {
        var at = Math.Clamp(position, 0, root.FullSpan.End);
        yield return at;
        if (at > 0)
        {
            yield return at - 1;
        }

        if (NameOf(CallAround(root, at)) is { } name)
        {
            yield return name.SpanStart;
        }
    }

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
        _ => null,
    };

    private static async Task<string[]> OverloadsAsync(Document document, SyntaxNode root, int position, CancellationToken cancellationToken)
    {
        var model = await document.GetSemanticModelAsync(cancellationToken).ConfigureAwait(false);
        var name = root.FindToken(Math.Max(0, position - 1)).Parent as SimpleNameSyntax ?? NameOf(CallAround(root, position));
        if (name is null || model is null)
        {
            return [];
        }

        var group = model.GetMemberGroup(name, cancellationToken);
        return group.Length < 2 ? [] : [.. group.Take(MostOverloads).Select(symbol => symbol.ToMinimalDisplayString(model, position))];
    }

    private static MimeBundle Bundle(QuickInfoItem info, string[] overloads)
    {
        var descriptions = info.Sections.Where(section => section.Kind == QuickInfoSectionKinds.Description);
        var signature = string.Join('\n', descriptions.Select(section => section.Text));
        var rest = info.Sections
            .Where(section => section.Kind != QuickInfoSectionKinds.Description && !string.IsNullOrWhiteSpace(section.Text))
            .Select(section => section.Text)
            .ToArray();
        var code = string.Join('\n', overloads.Length > 0 ? [signature, "", .. overloads] : new[] { signature });
        return new MimeBundle(new Dictionary<string, JsonNode>
        {
            ["text/plain"] = JsonValue.Create(string.Join("\n\n", rest.Prepend(code))),
            ["text/markdown"] = JsonValue.Create(string.Join("\n\n", rest.Prepend($"```csharp\n{code}\n```"))),
        });
    }
}
