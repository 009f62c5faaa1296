using System.Text;
using Microsoft.CodeAnalysis.CSharp;

namespace SpectralKD.Notebook.Session;

/// <summary>Cuts a cell into magic lines, the C# between them, and parts in other languages.</summary>
internal static class CellText
{
    /// <summary>The C# of a cell with blanks in place of everything else, so that all positions stay.</summary>
    public static string WithoutMagic(string code)
        => string.Concat(Lines(code).Select(line => line.Language == Languages.CSharp ? line.Text : Blank(line.Text)));

    /// <summary>
    /// The cell's parts in order. Parts in C# and for a shell begin with as many blank lines as stand above them, so that line numbers are the cell's.
    /// </summary>
    public static IEnumerable<CellPart> Split(string code)
    {
        var above = new StringBuilder();
        var text = new StringBuilder();
        var language = Languages.CSharp;
        var options = "";
        foreach (var line in Lines(code).Append(new Line(null, "")))
        {
            if (line.Language == language)
            {
                text.Append(line.Text);
                continue;
            }

            var part = text.ToString();
            if (!string.IsNullOrWhiteSpace(part) || options.Length > 0 || language == Languages.Values)
            {
                yield return new CellPart(language, language == Languages.CSharp || Languages.IsShell(language) ? above + part : part, options);
            }

            above.Append(Blank(part));
            text.Clear();
            if (line.Language is null)
            {
                above.Append(Blank(line.Text));
                (language, options) = Languages.SwitchedToBy(line.Text) is { } next ? (next, Languages.OptionsOn(line.Text)) : (language, "");
                if (line.Text.Length > 0 && !Languages.IsSwitch(line.Text))
                {
                    yield return new CellPart(null, WithoutComment(line.Text.Trim()));
                }
            }
        }
    }

    /// <summary>The language of the line at a position; null for a magic line.</summary>
    public static string? LanguageAt(string code, int position)
    {
        var start = 0;
        var next = Languages.CSharp;
        foreach (var line in Lines(code))
        {
            if (position <= start + line.Text.TrimEnd('\n', '\r').Length)
            {
                return line.Language;
            }

            start += line.Text.Length;
            next = line.Language ?? Languages.SwitchedToBy(line.Text) ?? next;
        }

        return next;
    }

    private static IEnumerable<Line> Lines(string code)
    {
        var language = Languages.CSharp;
        var section = new StringBuilder();
        var opens = false;
        foreach (var line in RawLines(code))
        {
            if (Languages.SwitchedToBy(line) is { } next && !(opens && EndsInsideToken(section.ToString())))
            {
                (language, opens) = (next, false);
                section.Clear();
                yield return new Line(null, line);
            }
            else if (language == Languages.CSharp && IsMagic(line) && !(opens && EndsInsideToken(section.ToString())))
            {
                section.Append(Blank(line));
                yield return new Line(null, line);
            }
            else
            {
                section.Append(line);
                opens |= language == Languages.CSharp && OpensToken(line);
                yield return new Line(language, line);
            }
        }
    }

    /// <summary><c>#r</c>, <c>#i</c> and <c>#load</c> are C#'s own directives: a comment may follow their text.</summary>
    private static string WithoutComment(string magic)
    {
        var end = magic.IndexOf('"', magic.IndexOf('"', StringComparison.Ordinal) + 1) + 1;
        return !magic.StartsWith("#!", StringComparison.Ordinal) && end > 0 && magic.AsSpan(end).TrimStart().StartsWith("//") ? magic[..end] : magic;
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

    /// <summary>True for a line in which a string or a comment may begin that goes on in the next.</summary>
    private static bool OpensToken(string line) => line.Contains("\"\"\"", StringComparison.Ordinal) || line.Contains("@\"", StringComparison.Ordinal)
        || line.Contains("@$\"", StringComparison.Ordinal) || line.Contains("/*", StringComparison.Ordinal);

    /// <summary>True where the C# so far ends within a string or a comment that goes on in the next line.</summary>
    private static bool EndsInsideToken(string section) => !NestedCode.IsTooDeep(section)
        && SyntaxFactory.ParseSyntaxTree(section, CellCompiler.ParseOptions).GetDiagnostics().Any(IsUnterminated);

    /// <summary>True for a string or a comment that ends in none of the lines there are.</summary>
    public static bool IsUnterminated(Microsoft.CodeAnalysis.Diagnostic diagnostic)
        => diagnostic.Id is "CS1035" or "CS1039" or "CS8997" or "CS8967";

    private static string Blank(string text)
        => string.Concat(text.Select(character => character is '\n' or '\r' ? character : ' '));

    private static IEnumerable<string> RawLines(string code)
    {
        for (var start = 0; start < code.Length;)
        {
            var end = code.IndexOf('\n', start);
            end = end < 0 ? code.Length : end + 1;
            yield return code[start..end];
            start = end;
        }
    }

    /// <param name="Language">Null for a magic line.</param>
    /// <param name="Text">With its line end.</param>
    private readonly record struct Line(string? Language, string Text);
}

/// <summary>A part of a cell.</summary>
/// <param name="Language">The language of its text; null for a magic line.</param>
/// <param name="Text">Its text.</param>
/// <param name="Options">What follows the language's name on the line that switches to it: <c>--name x</c> of <c>#!value --name x</c>.</param>
internal sealed record CellPart(string? Language, string Text, string Options = "")
{
    /// <summary>True for a line such as <c>#!spectral-help</c> or <c>#r "…"</c>.</summary>
    public bool IsMagic => Language is null;
}
