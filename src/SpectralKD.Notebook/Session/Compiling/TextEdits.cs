using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Replacements in a text that remember where every character came from, so that an error in the result points into the original.
/// </summary>
internal sealed class TextEdits
{
    private readonly List<Edit> _edits = [];
    private List<Edit>? _ordered;

    /// <summary>True where there is nothing to change.</summary>
    public bool IsEmpty => _edits.Count == 0;

    /// <summary>Inserts text before a position; later insertions at the same position come after earlier ones.</summary>
    public void Insert(int position, string text)
    {
        if (text.Length > 0)
        {
            Replace(position, 0, text);
        }
    }

    /// <summary>Replaces a range. Ranges must not overlap.</summary>
    public void Replace(int position, int length, string text)
    {
        _edits.Add(new Edit(position, length, text));
        _ordered = null;
    }

    /// <summary>The text with all replacements made.</summary>
    public string Apply(string text)
    {
        var result = new StringBuilder(text.Length + _edits.Count * 64);
        var copied = 0;
        foreach (var edit in Ordered())
        {
            result.Append(text, copied, edit.Position - copied).Append(edit.Text);
            copied = edit.Position + edit.Length;
        }

        return result.Append(text, copied, text.Length - copied).ToString();
    }

    /// <summary>The position in the original text of a position in the result; inside an insertion: where it was made.</summary>
    public int ToOriginal(int position)
    {
        var shift = 0;
        foreach (var edit in Ordered())
        {
            var start = edit.Position + shift;
            if (position < start)
            {
                break;
            }

            if (position < start + edit.Text.Length)
            {
                return edit.Position;
            }

            shift += edit.Text.Length - edit.Length;
        }

        return position - shift;
    }

    private List<Edit> Ordered() => _ordered ??= [.. _edits.OrderBy(edit => edit.Position)];

    private readonly record struct Edit(int Position, int Length, string Text);
}

/// <summary>
/// <c>using var x = …;</c> outside of braces, which a script cannot hold: a cell's variables outlive it. The variable is declared without <c>using</c>, and the
/// reader is told so, instead of refusing code that a program may hold.
/// </summary>
internal static class UsingDeclarations
{
    /// <summary>The code with blanks in place of these <c>using</c>s, so that all positions stay.</summary>
    /// <param name="code">A cell's C#.</param>
    /// <param name="advice">Gets a line for each.</param>
    public static string TakeOut(string code, ICollection<string> advice)
    {
        if (!code.Contains("using ", StringComparison.Ordinal))
        {
            return code;
        }

        var declarations = CSharpSyntaxTree.ParseText(code, CellCompiler.ParseOptions.WithKind(SourceCodeKind.Regular)).GetCompilationUnitRoot().Members
            .OfType<GlobalStatementSyntax>().Select(member => member.Statement).OfType<LocalDeclarationStatementSyntax>()
            .Where(declaration => !declaration.UsingKeyword.IsKind(SyntaxKind.None) && !declaration.UsingKeyword.IsMissing);
        var text = code.ToCharArray();
        foreach (var declaration in declarations)
        {
            var place = declaration.GetLocation().GetLineSpan().StartLinePosition;
            var names = declaration.Declaration.Variables.Select(variable => variable.Identifier.Text).ToArray();
            advice.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"({place.Line + 1},{place.Character + 1}): using is left out. A cell's variables outlive it: write var alone, or put the using into {{ }}; {names[0]} is disposed by {names[0]}.Dispose()"));
            foreach (var token in (SyntaxToken[])[declaration.AwaitKeyword, declaration.UsingKeyword])
            {
                text.AsSpan(token.SpanStart, token.Span.Length).Fill(' ');
            }
        }

        return new string(text);
    }
}
