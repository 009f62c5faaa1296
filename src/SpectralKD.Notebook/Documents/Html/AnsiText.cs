using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents.Html;

/// <summary>Console text as HTML: ANSI colours become spans, a carriage return or backspace overwrites as it does in a terminal.</summary>
internal static partial class AnsiText
{
    public static string ToHtml(string text)
    {
        var html = new StringBuilder();
        var style = new AnsiStyle();
        var position = 0;
        var shown = Overwrite(text);
        foreach (Match escape in Escape().Matches(shown))
        {
            style.Append(html, shown[position..escape.Index]);
            position = escape.Index + escape.Length;
            if (escape.Groups["sgr"].Success)
            {
                style.Apply(Codes(escape.Groups["sgr"].Value));
            }
        }
        style.Append(html, shown[position..]);
        return html.ToString();
    }

    private static List<int> Codes(string parameters)
        => [.. parameters.Split(';').Select(code => int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0)];

    private static string Overwrite(string text)
    {
        if (!text.AsSpan().ContainsAny('\r', '\b'))
        {
            return text;
        }
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
        return string.Join('\n', lines.Select(OverwriteLine));
    }

    private static string OverwriteLine(string line)
    {
        var start = line.TrimEnd('\r').LastIndexOf('\r');
        var shown = new StringBuilder();
        foreach (var character in line[(start + 1)..].TrimEnd('\r'))
        {
            if (character != '\b')
            {
                shown.Append(character);
            }
            else if (shown.Length > 0)
            {
                shown.Length--;
            }
        }
        return shown.ToString();
    }

    [GeneratedRegex(@"\x1B\[(?<sgr>[0-9;]*)m|\x1B\[[0-9;?]*[A-Za-ln-z]|\x1B\][^\x07\x1B]*(\x07|\x1B\\)")]
    private static partial Regex Escape();
}
