using System.Text.RegularExpressions;
using Microsoft.DotNet.Interactive;

namespace SpectralKD.Notebook.Session;

/// <summary>The passwords that were typed in a session: its errors and its shells' output show stars in their place.</summary>
internal sealed class HiddenTexts
{
    private readonly HashSet<string> _texts = [];

    /// <summary>Hides a text from now on. Empty ones are none.</summary>
    public void Add(string text)
    {
        lock (_texts)
        {
            if (text.Length > 0)
            {
                _texts.Add(text);
            }
        }
    }

    /// <summary>A text with stars in place of what is hidden, where it stands as a word of its own: a short password may be a part of many a word.</summary>
    public string Mask(string text)
    {
        lock (_texts)
        {
            return _texts.Aggregate(text, (masked, hidden) => masked.Contains(hidden, StringComparison.Ordinal)
                ? Regex.Replace(masked, $@"(?<!\w){Regex.Escape(hidden)}(?!\w)", PasswordString.Mask)
                : masked);
        }
    }

    /// <summary>How many characters at the end of a text may go on as something that is hidden, or as another text: where one comes in pieces, they have to be seen together.</summary>
    public int BegunAtEndOf(string text, string other)
    {
        lock (_texts)
        {
            return _texts.Append(other).Max(hidden => Enumerable.Range(0, Math.Min(hidden.Length, text.Length) + 1)
                .Last(length => text.EndsWith(hidden[..length], StringComparison.Ordinal)));
        }
    }
}
