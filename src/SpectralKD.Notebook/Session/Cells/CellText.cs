namespace SpectralKD.Notebook.Session.Cells;

/// <summary>Cuts a cell into its magic lines and the C# between them.</summary>
internal static class CellText
{
    /// <summary>The C# of a cell with blank lines in place of its magic lines, so that all positions stay.</summary>
    public static string WithoutMagic(string code)
        => string.Concat(Lines(code).Select(line => IsMagic(line) ? Blank(line) : line));

    /// <summary>The cell's parts in order. C# parts begin with as many blank lines as stand above them, so that line numbers are the cell's.</summary>
    public static IEnumerable<CellPart> Split(string code)
    {
        var above = "";
        var text = "";
        foreach (var line in Lines(code))
        {
            if (!IsMagic(line))
            {
                text += line;
                continue;
            }

            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return new CellPart(CellPartKind.Code, above + text);
            }

            above += Blank(text) + Blank(line);
            text = "";
            yield return new CellPart(CellPartKind.Magic, line.Trim());
        }

        if (!string.IsNullOrWhiteSpace(text))
        {
            yield return new CellPart(CellPartKind.Code, above + text);
        }
    }

    /// <summary>Magic: <c>#!name</c>, <c>#r</c>, <c>#i</c> and <c>#load</c>; other lines that begin with # are C#'s own.</summary>
    private static bool IsMagic(string line)
    {
        var trimmed = line.AsSpan().TrimStart();
        return (trimmed.StartsWith("#!") && trimmed.Length > 2 && !char.IsWhiteSpace(trimmed[2]))
            || IsDirective(trimmed, "#r") || IsDirective(trimmed, "#i") || IsDirective(trimmed, "#load");
    }

    private static bool IsDirective(ReadOnlySpan<char> line, string name)
        => line.StartsWith(name) && line[name.Length..].TrimStart().StartsWith("\"");

    private static string Blank(string text)
        => string.Concat(text.Select(character => character is '\n' or '\r' ? character : ' '));

    private static IEnumerable<string> Lines(string code)
    {
        for (var start = 0; start < code.Length;)
        {
            var end = code.IndexOf('\n', start);
            end = end < 0 ? code.Length : end + 1;
            yield return code[start..end];
            start = end;
        }
    }
}
