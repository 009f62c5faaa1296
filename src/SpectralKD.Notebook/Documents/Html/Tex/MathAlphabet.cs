using System.Text;

namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>The mathematical alphabets of Unicode: MathML Core knows no other way to set bold, calligraphic or blackboard letters.</summary>
internal static class MathAlphabet
{
    public static bool IsFont(string command)
        => command is "mathbf" or "boldsymbol" or "bm" or "mathbb" or "mathcal" or "mathscr" or "mathfrak" or "mathsf" or "mathtt" or "mathit";

    public static string Letters(string command, string text)
    {
        var result = new StringBuilder();
        foreach (var character in text)
        {
            result.Append(Letter(command, character));
        }
        return result.ToString();
    }

    private static string Letter(string command, char character) => command switch
    {
        "mathbf" => Map(character, 0x1D400, 0x1D41A, 0x1D7CE),
        "boldsymbol" or "bm" => Bold(character),
        "mathbb" => DoubleStruck(character),
        "mathcal" or "mathscr" => Script(character),
        "mathfrak" => Fraktur(character),
        "mathsf" => Map(character, 0x1D5A0, 0x1D5BA, 0x1D7E2),
        "mathtt" => Map(character, 0x1D670, 0x1D68A, 0x1D7F6),
        _ => Map(character, 0x1D434, 0x1D44E, 0),
    };

    private static string Bold(char character) => character is >= 'α' and <= 'ω'
        ? char.ConvertFromUtf32(0x1D736 + character - 'α')
        : Map(character, 0x1D468, 0x1D482, 0x1D7CE);

    private static string DoubleStruck(char character) => character switch
    {
        'C' => "ℂ",
        'H' => "ℍ",
        'N' => "ℕ",
        'P' => "ℙ",
        'Q' => "ℚ",
        'R' => "ℝ",
        'Z' => "ℤ",
        _ => Map(character, 0x1D538, 0x1D552, 0x1D7D8),
    };

    private static string Script(char character) => character switch
    {
        'B' => "ℬ",
        'E' => "ℰ",
        'F' => "ℱ",
        'H' => "ℋ",
        'I' => "ℐ",
        'L' => "ℒ",
        'M' => "ℳ",
        'R' => "ℛ",
        'e' => "ℯ",
        'g' => "ℊ",
        'o' => "ℴ",
        _ => Map(character, 0x1D49C, 0x1D4B6, 0),
    };

    private static string Fraktur(char character) => character switch
    {
        'C' => "ℭ",
        'H' => "ℌ",
        'I' => "ℑ",
        'R' => "ℜ",
        'Z' => "ℨ",
        _ => Map(character, 0x1D504, 0x1D51E, 0),
    };

    private static string Map(char character, int upper, int lower, int digits) => character switch
    {
        'h' when lower == 0x1D44E => "ℎ",
        >= 'A' and <= 'Z' => char.ConvertFromUtf32(upper + character - 'A'),
        >= 'a' and <= 'z' => char.ConvertFromUtf32(lower + character - 'a'),
        >= '0' and <= '9' when digits != 0 => char.ConvertFromUtf32(digits + character - '0'),
        _ => character.ToString(),
    };
}
