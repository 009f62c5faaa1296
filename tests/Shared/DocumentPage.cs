using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Tests;

/// <summary>Something that the project says in Markdown: a page, or the text cells of a notebook.</summary>
internal sealed partial record DocumentPage(string Path, string Text)
{
    /// <summary>All pages and notebooks of the repository.</summary>
    public static IReadOnlyList<DocumentPage> All { get; } =
    [
        .. Directory.EnumerateFiles(SharedData.RepositoryRoot, "*.md")
            .Concat(new[] { "docs", "src", "notebooks" }.SelectMany(name => Files(name, "*.md")))
            .Select(path => new DocumentPage(path, File.ReadAllText(path).ReplaceLineEndings("\n"))),
        .. Files("notebooks", "*.ipynb").Select(path => new DocumentPage(path, TextOfNotebook(path))),
    ];

    /// <summary>The front page.</summary>
    public static DocumentPage Readme { get; } = All.Single(page => page.Name == "README.md");

    /// <summary>A page or notebook by its path within the repository.</summary>
    public static DocumentPage Of(string name) => All.Single(page => page.Name == name);

    /// <summary>The path within the repository.</summary>
    public string Name => System.IO.Path.GetRelativePath(SharedData.RepositoryRoot, Path).Replace('\\', '/');

    /// <summary>Blocks between fences, by language; "" where none is named.</summary>
    public IReadOnlyList<(string Language, string Code)> CodeBlocks => [.. BlockPattern().Matches(Text).Select(m => (m.Groups[1].Value, m.Groups[2].Value))];

    /// <summary>What stands between backticks in the text.</summary>
    public IReadOnlyList<string> InlineCode => [.. InlinePattern().Matches(Prose).Select(m => m.Groups[1].Value.ReplaceLineEndings(" "))];

    /// <summary>Targets of links and pictures.</summary>
    public IReadOnlyList<string> Links => [.. LinkPattern().Matches(InlinePattern().Replace(Prose, "code")).Select(m => m.Groups[1].Value)];

    /// <summary>The names by which links find the headings, as GitHub makes them.</summary>
    public IReadOnlySet<string> Anchors => HeadingPattern().Matches(Prose)
        .Select(m => NotInAnchors().Replace(m.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-')).ToHashSet();

    private string Prose => BlockPattern().Replace(Text, "");

    private static IEnumerable<string> Files(string folder, string pattern)
    {
        var root = System.IO.Path.Combine(SharedData.RepositoryRoot, folder);
        var built = new[] { "bin", "obj", "executed", ".ipynb_checkpoints" };
        return Directory.Exists(root)
            ? Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories)
                .Where(path => !System.IO.Path.GetRelativePath(root, path).Split('/', '\\').Any(built.Contains))
            : [];
    }

    private static string TextOfNotebook(string path) => string.Join("\n\n", JsonNode.Parse(File.ReadAllText(path))!["cells"]!.AsArray()
        .Where(cell => (string)cell!["cell_type"]! == "markdown")
        .Select(cell => cell!["source"] is JsonArray lines ? string.Concat(lines.Select(line => (string)line!)) : (string)cell["source"]!));

    [GeneratedRegex("^```([a-z]*)\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex InlinePattern();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();
}
