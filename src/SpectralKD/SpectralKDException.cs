namespace SpectralKD;

/// <summary>
/// An error that the user can act on. The message is one line: what went wrong, what was found, what to do.
/// Hosts show the message alone, never the stack.
/// </summary>
public sealed class SpectralKDException : Exception
{
    /// <summary>Makes an error whose message is shown to the user as it stands.</summary>
    /// <param name="message">
    /// One line: what went wrong, what was found, what to do. Names from damaged or hostile files may be in it: line breaks become spaces, other
    /// control characters are shown as escapes (<c>\x1b</c>), and what is beyond 600 characters is cut off with an ellipsis.
    /// </param>
    /// <param name="innerException">The cause, for debugging.</param>
    public SpectralKDException(string message, Exception? innerException = null)
        : base(PlainText.OneLine(message), innerException)
    {
    }
}

/// <summary>Where advice is read: what helps in a notebook (<c>#r</c>) is nothing that can be typed in a shell.</summary>
internal static class Advice
{
    private static readonly AsyncLocal<bool> CommandLine = new();

    /// <summary>True where a command of <c>spectralkd</c> is carried out. Follows the call, on whatever thread.</summary>
    public static bool IsForCommandLine
    {
        get => CommandLine.Value;
        set => CommandLine.Value = value;
    }
}

/// <summary>Finds what a mistyped name was probably meant to be.</summary>
internal static class NearestName
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

    /// <summary>
    /// The names that were probably meant where much of a long one is left out, as <c>deit tiny</c> for <c>deit_tiny_patch16_224</c>: the
    /// nearest first, ties in the list's order.
    /// </summary>
    internal static IReadOnlyList<string> Completing(string name, IEnumerable<string> names, int count = 3)
        => [.. names.OrderBy(known => Distance(name, known, wrong: 5)).Take(count)];

    // Levenshtein distance, upper and lower case alike, one row at a time; a character that is only missing costs 1.
    private static int Distance(string typed, string name, int wrong = 1)
    {
        var row = Enumerable.Range(0, name.Length + 1).ToArray();
        foreach (var letter in typed)
        {
            var diagonal = row[0];
            row[0] += wrong;
            for (var j = 1; j <= name.Length; j++)
            {
                var same = char.ToLowerInvariant(letter) == char.ToLowerInvariant(name[j - 1]);
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j] + wrong, row[j - 1] + 1), diagonal + (same ? 0 : wrong)));
            }
        }

        return row[^1];
    }
}
