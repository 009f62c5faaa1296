namespace SpectralKD;

/// <summary>Finds what a mistyped name was probably meant to be.</summary>
public static class NearestName
{
    /// <summary>The nearest of some names by edit distance; null where none is near (more than a third of the letters differ).</summary>
    /// <param name="name">What was typed.</param>
    /// <param name="names">What could have been meant.</param>
    public static string? Of(string name, IEnumerable<string> names)
    {
        var best = names
            .Select(n => (Name: n, Distance: n.StartsWith(name, StringComparison.OrdinalIgnoreCase) && name.Length > 2 ? 1 : Distance(name, n)))
            .OrderBy(n => n.Distance)
            .FirstOrDefault();
        return best.Name is not null && best.Distance <= Math.Max(2, Math.Max(name.Length, best.Name.Length) / 3) ? best.Name : null;
    }

    /// <summary>A clause for error messages: <c>"; did you mean deit_tiny_patch16_224?"</c>, or nothing.</summary>
    public static string Suggestion(string name, IEnumerable<string> names) =>
        Of(name, names) is { } nearest ? $"; did you mean {nearest}?" : "";

    // Levenshtein distance, upper and lower case alike, one row at a time.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (same ? 0 : 1)));
            }
        }

        return row[b.Length];
    }
}
