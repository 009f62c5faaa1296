using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Completion;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Tags;

namespace SpectralKD.Notebook.Session;

/// <summary>Completion of C# by Roslyn.</summary>
internal static class CodeCompletion
{
    private const int MostItems = 3000;
    private const int MostDescribed = 12;

    /// <summary>Proposals at a position of a document.</summary>
    public static async Task<Completions> AtAsync(Document document, int position, CancellationToken cancellationToken)
    {
        var service = CompletionService.GetService(document);
        var found = service is null
            ? null
            : await service.GetCompletionsAsync(document, position, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (found is null || found.ItemsList.Count == 0)
        {
            return new Completions(position, position, []);
        }

        var text = await document.GetTextAsync(cancellationToken).ConfigureAwait(false);
        var typed = text.ToString(found.Span);
        var isNew = await IsAfterNewAsync(document, found.Span.Start, cancellationToken).ConfigureAwait(false);
        var items = Matching(found.ItemsList, typed)
            .Where(item => !isNew || KindOf(item) is "class" or "module")
            .DistinctBy(item => item.DisplayText)
            .Take(MostItems)
            .ToArray();
        var proposals = new List<CompletionProposal>(items.Length);
        foreach (var item in items)
        {
            var signature = items.Length > MostDescribed
                ? ""
                : await DescribeAsync(service!, document, item, cancellationToken).ConfigureAwait(false);
            proposals.Add(new CompletionProposal(item.DisplayText + (item.DisplayTextSuffix == ":" ? ":" : ""), KindOf(item), signature));
        }

        return new Completions(found.Span.Start, found.Span.End, proposals);
    }

    private static async Task<bool> IsAfterNewAsync(Document document, int position, CancellationToken cancellationToken)
    {
        var root = await document.GetSyntaxRootAsync(cancellationToken).ConfigureAwait(false);
        var token = root!.FindToken(Math.Max(0, position - 1));
        return (token.SpanStart < position ? token : token.GetPreviousToken()).IsKind(SyntaxKind.NewKeyword);
    }

    /// <summary>Those that begin with what was typed, in its case first; where there are none, those whose capitals do.</summary>
    private static IEnumerable<CompletionItem> Matching(IReadOnlyList<CompletionItem> items, string typed)
    {
        // A name of a namespace that is not imported would be inserted without its using line, and an indexer as "this".
        var usable = items
            .Where(item => !item.Tags.Contains(WellKnownTags.Snippet) && string.IsNullOrEmpty(item.InlineDescription) && item.DisplayTextSuffix != "[]"
                && !item.DisplayText.StartsWith(MergedSubmissions.OwnPrefix, StringComparison.Ordinal))
            .ToArray();
        var beginning = usable
            .Where(item => item.FilterText.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(item => item.FilterText.StartsWith(typed, StringComparison.Ordinal))
            .ThenByDescending(item => item.Rules.MatchPriority > MatchPriority.Default)
            .ThenBy(Rank)
            .ThenBy(item => item.SortText, StringComparer.OrdinalIgnoreCase)
            .ToArray();
        return beginning.Length > 0
            ? beginning
            : usable.Where(item => Capitals(item.FilterText).StartsWith(typed, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The notebook's own variables before everything that is merely there.</summary>
    private static int Rank(CompletionItem item) => KindOf(item) switch
    {
        "instance" => 0,
        "property" or "function" => 1,
        "keyword" => 2,
        "class" => 3,
        _ => 4,
    };

    private static string Capitals(string name) => string.Concat(name.Where(char.IsUpper));

    private static async Task<string> DescribeAsync(
        CompletionService service, Document document, CompletionItem item, CancellationToken cancellationToken)
    {
        var description = await service.GetDescriptionAsync(document, item, cancellationToken).ConfigureAwait(false);
        return description?.Text.Split('\n', 2)[0].TrimEnd('\r') ?? "";
    }

    /// <summary>The kinds that Jupyter's front ends have icons for.</summary>
    private static string KindOf(CompletionItem item) => item.Tags.FirstOrDefault() switch
    {
        WellKnownTags.Method or WellKnownTags.ExtensionMethod or WellKnownTags.Operator => "function",
        WellKnownTags.Class or WellKnownTags.Structure or WellKnownTags.Interface or WellKnownTags.Enum or WellKnownTags.Delegate
            or WellKnownTags.TypeParameter => "class",
        WellKnownTags.Property or WellKnownTags.Event or WellKnownTags.EnumMember or WellKnownTags.Constant => "property",
        WellKnownTags.Field or WellKnownTags.Local or WellKnownTags.Parameter or WellKnownTags.RangeVariable => "instance",
        WellKnownTags.Namespace => "module",
        WellKnownTags.Keyword => "keyword",
        _ => "text",
    };
}
