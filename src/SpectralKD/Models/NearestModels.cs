namespace SpectralKD.Models;

/// <summary>Finds the models that somebody probably meant. People type <c>deit tiny</c> for <c>deit_tiny_patch16_224</c>, so what is missing counts little.</summary>
internal static class NearestModels
{
    /// <summary>The names with the fewest edits to <paramref name="wanted"/>, the nearest first; ties keep the list's order.</summary>
    public static IReadOnlyList<string> Of(string wanted, IEnumerable<string> names, int count = 3) =>
        [.. names.OrderBy(name => Distance(wanted.ToLowerInvariant(), name.ToLowerInvariant())).Take(count)];

    /// <summary>Edits from what was typed to a name; characters that are only missing cost a fifth, since names are long.</summary>
    internal static int Distance(string typed, string name)
    {
        const int Missing = 1, Wrong = 5;
        var row = Enumerable.Range(0, name.Length + 1).Select(j => j * Missing).ToArray();
        foreach (var letter in typed)
        {
            var diagonal = row[0];
            row[0] += Wrong;
            for (var j = 1; j <= name.Length; j++)
            {
                var replaced = diagonal + (letter == name[j - 1] ? 0 : Wrong);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j] + Wrong, row[j - 1] + Missing));
            }
        }

        return row[^1];
    }
}
