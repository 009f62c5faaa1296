namespace SpectralKD.Notebook.Jupyter;

/// <summary>Jupyter counts cursor positions in Unicode code points, .NET in UTF-16 code units.</summary>
internal static class CodePoints
{
    public static int ToUtf16(string text, int codePoints)
    {
        var index = 0;
        for (var count = 0; count < codePoints && index < text.Length; count++)
        {
            index += IsPair(text, index) ? 2 : 1;
        }
        return index;
    }

    public static int FromUtf16(string text, int index)
    {
        var count = 0;
        for (var position = 0; position < index && position < text.Length; count++)
        {
            position += IsPair(text, position) ? 2 : 1;
        }
        return count;
    }

    private static bool IsPair(string text, int index) => index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]);
}
