using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>Completion and help for the magic lines of a cell.</summary>
internal static class MagicEditing
{
    private static readonly Dictionary<string, string[]> s_files = new()
    {
        ["#r"] = [".dll"],
        ["#load"] = [".csx", ".cs"],
        ["#!import"] = [".ipynb", ".dib", ".csx", ".cs"],
    };

    /// <summary>Proposals on the magic line at a position.</summary>
    public static Completions Complete(string code, int position, INotebookHost host, string folder)
    {
        var (start, line) = LineAt(code, position);
        var at = position - start;
        var name = SessionCommandTable.NameOf(line);
        if (at > name.Length && s_files.TryGetValue(name, out var extensions))
        {
            return Files(line, at, start, folder, extensions);
        }

        if (at > name.Length && (name == SetCommand.Word ? SetCommand.Options : name == ValueCell.Word ? ValueCell.Options : null) is { } options)
        {
            return Setting(line, at, start, host, options);
        }

        var (from, to, proposals) = MagicCompletion.Complete(line, at, host);
        var own = at <= name.Length ? OwnNames(line[..at]) : [];
        var others = proposals.Select(found => new CompletionProposal(found.Text, "magic", found.Description));
        return new Completions(start + from, start + to, [.. own, .. others]);
    }

    /// <summary>What the magic line at a position does; null where it is none that is known.</summary>
    public static MimeBundle? Inspect(string code, int position)
    {
        var name = SessionCommandTable.NameOf(LineAt(code, position).Line);
        if (SessionCommandTable.All.FirstOrDefault(command => command.Name == name) is { } own)
        {
            return Bundle($"{own.Name}: {own.Description}");
        }

        return MagicCommandTable.All.FirstOrDefault(command => command.Name == name) is { } command ? Bundle(Explain(command))
            : CellLanguages.Runnable.Contains(name) ? Bundle($"{name}: {CellLanguages.Description(name)}") : null;
    }

    private static string Explain(MagicCommand command)
    {
        var parameters = command.Parameters.Select(parameter =>
            $"  {parameter.Name}  {parameter.Description}{(parameter.Default.Length > 0 ? $" [{parameter.Default}]" : "")}");
        return string.Join('\n', [$"{command.Name}: {command.Description}", .. parameters, $"Example: {command.Example}"]);
    }

    private static IEnumerable<CompletionProposal> OwnNames(string typed)
        => SessionCommandTable.All.Select(command => new CompletionProposal(command.Name, "magic", command.Description))
            .Concat(CellLanguages.Runnable.Select(name => new CompletionProposal(name, "magic", CellLanguages.Description(name))))
            .Where(proposal => proposal.Text.StartsWith(typed, StringComparison.OrdinalIgnoreCase));

    private static Completions Setting(string line, int at, int start, INotebookHost host, IReadOnlyList<string> options)
    {
        var from = line.LastIndexOf(' ', at - 1) + 1;
        var proposals = host.Variables.Select(variable => new CompletionProposal("@" + variable.Name, "magic"))
            .Concat(options.Where(option => !line.Contains(option, StringComparison.Ordinal)).Select(option => new CompletionProposal(option, "magic")))
            .Where(proposal => proposal.Text.StartsWith(line[from..at], StringComparison.Ordinal));
        return new Completions(start + from, start + at, [.. proposals]);
    }

    private static Completions Files(string line, int at, int start, string folder, string[] extensions)
    {
        var quote = line.LastIndexOf('"', at - 1) + 1;
        var from = quote > 0 ? quote : line.LastIndexOf(' ', at - 1) + 1;
        var typed = line[from..at];
        var cut = typed.LastIndexOfAny(['/', '\\']) + 1;
        var parent = Path.GetFullPath(typed[..cut], folder);
        var items = Entries(parent, extensions)
            .Where(entry => entry.StartsWith(typed[cut..], StringComparison.OrdinalIgnoreCase))
            .Select(entry => new CompletionProposal(typed[..cut] + entry, "path"));
        return new Completions(start + from, start + at, [.. items]);
    }

    private static IEnumerable<string> Entries(string folder, string[] extensions)
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path) + "/").Order(StringComparer.Ordinal),
                .. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path))
                    .Where(name => extensions.Contains(Path.GetExtension(name).ToLowerInvariant())).Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static (int Start, string Line) LineAt(string code, int position)
    {
        var start = position == 0 ? 0 : code.LastIndexOf('\n', position - 1) + 1;
        var end = code.IndexOf('\n', position);
        var line = (end < 0 ? code[start..] : code[start..end]).TrimEnd('\r');
        var indent = line.Length - line.TrimStart().Length;
        return (start + indent, line[indent..]);
    }

    private static MimeBundle Bundle(string text) => new(new Dictionary<string, JsonNode> { ["text/plain"] = JsonValue.Create(text) });
}
