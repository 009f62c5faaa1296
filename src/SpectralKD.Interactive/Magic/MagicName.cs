using System.Globalization;
using System.Text;

namespace SpectralKD.Interactive.Magic;

/// <summary>Spelling of names and values on a magic line.</summary>
internal static class MagicName
{
    /// <summary><c>ImageSize</c> to <c>image-size</c>.</summary>
    public static string FromPascal(string name)
    {
        var text = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    /// <summary>True for what C# takes as a variable's name.</summary>
    public static bool IsVariable(string text) => text.Length > 0 && !char.IsDigit(text[0]) && text.All(c => char.IsLetterOrDigit(c) || c == '_')
        && !Keywords.Contains(text);

    private static readonly HashSet<string> Keywords =
    [
        .. ("abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else enum event "
            + "explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null "
            + "object operator out override params private protected public readonly ref return sbyte sealed short sizeof stackalloc static string "
            + "struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while").Split(' '),
    ];

    /// <summary>A value as it would be typed; empty for null and false.</summary>
    public static string OfValue(object? value) => value switch
    {
        null or false => "",
        Enum e => FromPascal(e.ToString()),
        IEnumerable<string> many => string.Join(' ', many),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
