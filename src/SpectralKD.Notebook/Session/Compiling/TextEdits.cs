using System.Text;

namespace SpectralKD.Notebook.Session.Compiling;

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
