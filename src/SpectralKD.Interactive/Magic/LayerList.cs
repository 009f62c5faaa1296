using System.Globalization;

namespace SpectralKD.Interactive.Magic;

/// <summary>Reads lists of blocks as they are typed: <c>all</c>, <c>0,5..8,-1</c>.</summary>
internal static class LayerList
{
    // No model has as many blocks: a slip of the keyboard must not take gigabytes.
    private const int MostInRange = 10_000;

    /// <summary>The 0-based indices of a list; negative ones stay negative (they count from the end). Null for <c>all</c>.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="blocks">How many blocks the model has, for open ranges such as <c>6..</c>.</param>
    /// <exception cref="SpectralKDException">The text is no such list.</exception>
    public static IReadOnlyList<int>? Parse(string text, int blocks) =>
        string.Equals(text.Trim(), "all", StringComparison.OrdinalIgnoreCase)
            ? null
            : [.. text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).SelectMany(part => Range(part, text, blocks))];

    private static IEnumerable<int> Range(string part, string text, int blocks)
    {
        var ends = part.Split("..");
        if (ends.Length == 1)
        {
            return [Index(part, text)];
        }

        var first = ends[0].Length == 0 ? 0 : Index(ends[0], text);
        var last = ends[^1].Length == 0 ? blocks - 1 : Index(ends[^1], text);
        return ends.Length == 2 && last >= first && (long)last - first < MostInRange ? Enumerable.Range(first, last - first + 1) : throw Wrong(text);
    }

    private static int Index(string part, string text) =>
        int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) ? index : throw Wrong(text);

    private static SpectralKDException Wrong(string text) =>
        new($"\"{text}\" is no list of blocks; write all, or indices and ranges such as 0,5..8,-1");
}
