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
