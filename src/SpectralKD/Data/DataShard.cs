using System.Globalization;

namespace SpectralKD.Data;

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
                $"There is no part {number} of {count}: parts are numbered from 1, as in 1/{Math.Max(count, 1)}."));
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
            : throw new SpectralKDException($"The part \"{text}\" is not of the form i/n, for example 2/4.");
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Number}/{Count}");

    /// <summary>The elements at positions Number - 1, Number - 1 + Count, …</summary>
    internal int[] Of(int[] all) => [.. all.Where((_, position) => position % Count == Number - 1)];
}
