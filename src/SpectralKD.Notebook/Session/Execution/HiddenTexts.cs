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
}
