using System.Globalization;

namespace SpectralKD.Data;

/// <summary>Some images of another source, in a given order; optionally only its first classes.</summary>
internal sealed class SubsetImageSource : IImageSource, IOpenedImages, IImageFiles
{
    private readonly IImageSource _source;
    private readonly int[] _indices;

    /// <summary>Takes the images at <paramref name="indices"/> of <paramref name="source"/>.</summary>
    public SubsetImageSource(IImageSource source, int[] indices, IReadOnlyList<string>? classes = null)
    {
        _source = source;
        _indices = indices;
        Classes = classes ?? source.Classes;
    }

    /// <inheritdoc/>
    public string Name => _source.Name;

    /// <inheritdoc/>
    public int Count => _indices.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc cref="IImageSource.Query"/>
    public ImageQuery? Query { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => _source.Notes;

    /// <inheritdoc/>
    public int Label(int index) => _source.Label(_indices[index]);

    /// <inheritdoc/>
    public string ItemName(int index) => _source.ItemName(_indices[index]);

    /// <inheritdoc/>
    public RgbImage Read(int index) => _source.Read(_indices[index]);

    /// <inheritdoc/>
    public string Place => (_source as IImageFiles)?.Place ?? "";

    /// <inheritdoc/>
    public string? Stamp(int index) => (_source as IImageFiles)?.Stamp(_indices[index]);
}

/// <summary>One of several disjoint parts of an image set, for splitting an analysis over machines: every n-th image.</summary>
public sealed record DataShard
{
    /// <summary>Makes part <paramref name="number"/> of <paramref name="count"/>.</summary>
    /// <param name="number">1 .. count.</param>
    /// <param name="count">Number of parts, at least 1.</param>
    /// <exception cref="SpectralKDException">The number is not in 1 .. count.</exception>
    public DataShard(int number, int count)
    {
        if (count < 1 || number < 1 || number > count)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"there is no part {number} of {count}: parts are numbered from 1, as in 1/{Math.Max(count, 1)}"));
        }

        (Number, Count) = (number, count);
    }

    /// <summary>Which part, 1 .. <see cref="Count"/>.</summary>
    public int Number { get; }

    /// <summary>Number of parts.</summary>
    public int Count { get; }

    /// <summary>Reads <c>i/n</c>, for example <c>2/4</c>.</summary>
    /// <exception cref="SpectralKDException">The text is no such fraction.</exception>
    public static DataShard Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split('/');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new DataShard(number, count)
            : throw new SpectralKDException($"the part \"{text}\" is not of the form i/n, for example 2/4");
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Number}/{Count}");

    /// <summary>The elements at positions Number - 1, Number - 1 + Count, …</summary>
    internal int[] Of(int[] all) => [.. all.Where((_, position) => position % Count == Number - 1)];
}

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
