namespace SpectralKD.Data;

/// <summary>Draws images so that every class gets its even share.</summary>
internal static class ClassBalance
{
    /// <summary>
    /// Draws <paramref name="count"/> indices: class sizes differ by at most one, as far as the classes have that many images. Which images
    /// and which classes get the odd one more depends only on the seed. A smaller count's images are among a larger count's.
    /// </summary>
    /// <param name="source">The images.</param>
    /// <param name="candidates">The indices to draw from.</param>
    /// <param name="count">How many to draw; at most the number of candidates are.</param>
    /// <param name="seed">Any number.</param>
    /// <returns>Indices in ascending order.</returns>
    public static int[] Draw(IImageSource source, IEnumerable<int> candidates, int count, long seed)
    {
        var classes = candidates.GroupBy(source.Label).OrderBy(group => group.Key).Select(group => Shuffled(group, seed)).ToArray();
        new CounterRandom(seed, -1).Shuffle(classes.AsSpan());
        var drawn = new List<int>();
        for (var round = 0; drawn.Count < count && classes.Any(members => members.Length > round); round++)
        {
            drawn.AddRange(classes.Where(members => members.Length > round).Select(members => members[round]).Take(count - drawn.Count));
        }

        drawn.Sort();
        return [.. drawn];
    }

    private static int[] Shuffled(IGrouping<int, int> members, long seed)
    {
        var indices = members.ToArray();
        new CounterRandom(seed, members.Key).Shuffle(indices.AsSpan());
        return indices;
    }
}
