namespace SpectralKD.Notebook.Session;

/// <summary>Completion and help for the magic lines of a cell.</summary>
internal static class MagicEditing
{
    /// <summary>Proposals on the magic line at a position.</summary>
    public static Completions Complete(string code, int position, INotebookHost host)
    {
        var (start, line) = LineAt(code, position);
        var (from, to, proposals) = MagicCompletion.Complete(line, position - start, host);
        return new Completions(start + from, start + to, [.. proposals.Select(found => new CompletionProposal(found.Text, found.IsPath ? "path" : "magic", found.Description))]);
    }

    /// <summary>What the magic line at a position does; null where it is none that is known.</summary>
    public static MimeBundle? Inspect(string code, int position, INotebookHost host)
    {
        var name = MagicLine.NameOf(LineAt(code, position).Line);
        return host.Commands.FirstOrDefault(command => command.Name == name) is { } command
            ? MimeBundles.Raw(new CommandHelpView(command).ToPlainText(), "text/plain") : null;
    }

    private static (int Start, string Line) LineAt(string code, int position)
    {
        var start = position == 0 ? 0 : code.LastIndexOf('\n', position - 1) + 1;
        var end = code.IndexOf('\n', position);
        var line = (end < 0 ? code[start..] : code[start..end]).TrimEnd('\r');
        var indent = line.Length - line.TrimStart().Length;
        return (start + indent, line[indent..]);
    }
}
