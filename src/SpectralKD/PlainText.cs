using System.Globalization;
using System.Text;

namespace SpectralKD;

/// <summary>
/// Text that came out of files (names of files, classes, archive entries, checkpoint keys) as a terminal can show it safely: what would
/// move the cursor, colour, hide or turn round other text is shown as an escape such as <c>\x1b</c> or <c>\u202e</c>.
/// </summary>
internal static class PlainText
{
    /// <summary>The longest message in UTF-16 units; what is beyond it ends in an ellipsis.</summary>
    internal const int MessageLength = 600;

    /// <summary>
    /// Control characters, line separators, marks that change the direction of writing and halves of surrogate pairs become escapes; all else
    /// stays as it is.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="keep">Control characters that stay, such as the line breaks of a table. None by default.</param>
    public static string Escape(string text, string keep = "")
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(keep);
        var first = 0;
        while (first < text.Length && !IsUnsafe(text, first, keep))
        {
            first++;
        }

        if (first == text.Length)
        {
            return text;
        }

        var shown = new StringBuilder(text, 0, first, text.Length + 16);
        for (var i = first; i < text.Length; i++)
        {
            if (!IsUnsafe(text, i, keep))
            {
                shown.Append(text[i]);
            }
            else
            {
                shown.Append(text[i] < 0x100 ? "\\x" : "\\u").Append(((int)text[i]).ToString(text[i] < 0x100 ? "x2" : "x4", CultureInfo.InvariantCulture));
            }
        }

        return shown.ToString();
    }

    /// <summary>A number and the thing that it counts: <c>1 image</c>, <c>1,200 images</c>.</summary>
    /// <param name="number">How many.</param>
    /// <param name="one">The thing's name in the singular.</param>
    /// <param name="several">In the plural, where that has more than an s at its end.</param>
    internal static string Count(long number, string one, string? several = null)
        => string.Create(CultureInfo.InvariantCulture, $"{number:N0} {(number == 1 ? one : several ?? one + "s")}");

    /// <summary>A message as one escaped line of at most 600 characters: line breaks and tabs become spaces.</summary>
    internal static string OneLine(string message)
    {
        var line = Escape(message.ReplaceLineEndings(" ").Replace('\t', ' '));
        if (line.Length <= MessageLength)
        {
            return line;
        }

        var end = MessageLength - 1;
        return line[..(char.IsHighSurrogate(line[end - 1]) ? end - 1 : end)] + "…";
    }

    /// <summary>Some names for a message, the first three of them, escaped and shortened.</summary>
    internal static string Names(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Take(3).Select(Short)) + (names.Count > 3 ? ", …" : "");

    private static string Short(string name)
    {
        const int Longest = 80;
        var shown = Escape(name);
        return shown.Length <= Longest ? shown : "…" + shown[^(char.IsLowSurrogate(shown[^(Longest - 1)]) ? Longest - 2 : Longest - 1)..];
    }

    private static bool IsUnsafe(string text, int at, string keep) => text[at] switch
    {
        '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => true,
        var high when char.IsHighSurrogate(high) => at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1]),
        var low when char.IsLowSurrogate(low) => at == 0 || !char.IsHighSurrogate(text[at - 1]),
        var other => char.IsControl(other) && !keep.Contains(other, StringComparison.Ordinal),
    };
}

/// <summary>The one spelling of how long something took or will take.</summary>
internal static class Durations
{
    /// <summary>As of its seconds.</summary>
    public static string Text(TimeSpan time) => Text(time.TotalSeconds);

    /// <summary><c>2.3 s</c>, <c>1 min 05 s</c>, <c>2 h 05 min</c>.</summary>
    /// <param name="seconds">Any number of at least 0; logs may hold absurd ones.</param>
    public static string Text(double seconds)
    {
        var whole = Math.Round(seconds);
        return (Math.Round(seconds, 1), whole) switch
        {
            ( < 60, _) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
            (_, < 3600) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(whole / 60)} min {whole % 60:00} s"),
            (_, < 3.6e9) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(whole / 3600)} h {Math.Floor(whole % 3600 / 60):00} min"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0e+0} h"),
        };
    }
}
