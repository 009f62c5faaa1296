using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents;

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

/// <summary>The colours and styles that are on at a place in console text (ECMA-48 SGR).</summary>
internal sealed class AnsiStyle
{
    private string? _foreground;
    private string? _background;
    private bool _bold;
    private bool _italic;
    private bool _underlined;

    public void Append(StringBuilder html, string text)
    {
        if (text.Length == 0)
        {
            return;
        }
        var style = Css();
        html.Append(style.Length == 0 ? WebUtility.HtmlEncode(text) : $"<span style=\"{style}\">{WebUtility.HtmlEncode(text)}</span>");
    }

    public void Apply(List<int> codes)
    {
        for (var index = 0; index < codes.Count; index++)
        {
            switch (codes[index])
            {
                case 38:
                    _foreground = Extended(codes, ref index);
                    break;
                case 48:
                    _background = Extended(codes, ref index);
                    break;
                default:
                    Apply(codes[index]);
                    break;
            }
        }
    }

    private void Apply(int code)
    {
        switch (code)
        {
            case 0:
                (_foreground, _background, _bold, _italic, _underlined) = (null, null, false, false, false);
                break;
            case 1 or 22:
                _bold = code == 1;
                break;
            case 3 or 23:
                _italic = code == 3;
                break;
            case 4 or 24:
                _underlined = code == 4;
                break;
            case (>= 30 and <= 37) or (>= 90 and <= 97):
                _foreground = Named(code % 10, isBright: code >= 90);
                break;
            case (>= 40 and <= 47) or (>= 100 and <= 107):
                _background = Named(code % 10, isBright: code >= 100);
                break;
            case 39:
                _foreground = null;
                break;
            case 49:
                _background = null;
                break;
        }
    }

    private static string Named(int colour, bool isBright) => $"var(--ansi-{(isBright ? colour + 8 : colour)})";

    private static string? Extended(List<int> codes, ref int index)
    {
        if (index + 2 < codes.Count && codes[index + 1] == 5)
        {
            index += 2;
            return Indexed(codes[index]);
        }
        if (index + 4 < codes.Count && codes[index + 1] == 2)
        {
            index += 4;
            return $"rgb({codes[index - 2] & 255},{codes[index - 1] & 255},{codes[index] & 255})";
        }
        return null;
    }

    private static string Indexed(int colour)
    {
        if (colour < 16)
        {
            return Named(colour & 7, colour >= 8);
        }
        if (colour >= 232)
        {
            var grey = 8 + (Math.Min(colour, 255) - 232) * 10;
            return $"rgb({grey},{grey},{grey})";
        }
        var cube = colour - 16;
        return $"rgb({Level(cube / 36)},{Level(cube / 6 % 6)},{Level(cube % 6)})";
    }

    private static int Level(int step) => step == 0 ? 0 : 55 + step * 40;

    private string Css()
    {
        var css = new List<string>();
        Add(css, _foreground is not null, $"color:{_foreground}");
        Add(css, _background is not null, $"background:{_background}");
        Add(css, _bold, "font-weight:bold");
        Add(css, _italic, "font-style:italic");
        Add(css, _underlined, "text-decoration:underline");
        return string.Join(';', css);
    }

    private static void Add(List<string> css, bool applies, string declaration)
    {
        if (applies)
        {
            css.Add(declaration);
        }
    }
}

/// <summary>Console text in a page: lines with aligned columns keep them and scroll sideways where there is no room, sentences are broken.</summary>
internal static partial class ConsoleText
{
    public static string ToHtml(string text)
    {
        var html = AnsiText.ToHtml(text);
        if (html.Contains('<', StringComparison.Ordinal))
        {
            return Unparted(html); // colours may reach over lines
        }

        var lines = html.Split('\n');
        var shown = new StringBuilder();
        for (var line = 0; line < lines.Length;)
        {
            var end = line;
            while (end < lines.Length && (Columns().IsMatch(lines[end]) || (end > line && lines[end].StartsWith("   ", StringComparison.Ordinal))))
            {
                end++;
            }

            var isTable = lines[line..end].Count(Columns().IsMatch) > 1;
            end = isTable ? end : line + 1;
            shown.Append(isTable ? $"<span class=\"columns\">{string.Join('\n', lines[line..end])}\n</span>" : Unparted(lines[line]) + (end < lines.Length ? "\n" : ""));
            line = end;
        }

        return shown.ToString();
    }

    /// <summary>A number keeps its unit and its spread beside it where a line ends.</summary>
    public static string Unparted(string text) => Inseparable().Replace(text, "\u00a0");

    [GeneratedRegex(@"\S {2,}\S")]
    private static partial Regex Columns();

    // Not the remainder, as in 5 % 2. &#177; is the encoded ±.
    [GeneratedRegex(@"(?<=\d) (?=%(?! ?\d)|±|&#177;)|(?<=±|&#177;) (?=\d)")]
    private static partial Regex Inseparable();
}
