using System.Collections.Immutable;

namespace SpectralKD.Spectra;

/// <summary>Counts how many dimensions the images need, each by several measures: whole numbers, so that parts add up to what one run counts.</summary>
/// <param name="measures">How many measures.</param>
/// <param name="most">The most that an image can need.</param>
internal sealed class DimensionTally(int measures, int most)
{
    private readonly long[][] _counts = [.. Enumerable.Range(0, measures).Select(_ => new long[most + 1])];
    private long _images;

    internal ImmutableArray<double> Mean => [.. _counts.Select(MeanOf)];

    /// <summary>Standard deviation over the images, their number in the divisor.</summary>
    internal ImmutableArray<double> Deviation => [.. _counts.Select(counts => Math.Sqrt(counts.Select((count, d) => count * Math.Pow(d - MeanOf(counts), 2)).Sum() / _images))];

    /// <summary>Between ranks by straight lines.</summary>
    internal ImmutableArray<double> Percentile99 => [.. _counts.Select(Percentile)];

    /// <summary>Adds an image's dimensions, one a measure.</summary>
    internal void Add(IReadOnlyList<int> dimensions)
    {
        _images++;
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i][dimensions[i]]++;
        }
    }

    internal void Add(DimensionTally other)
    {
        _images += other._images;
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] = [.. _counts[i].Zip(other._counts[i], (one, two) => one + two)];
        }
    }

    /// <summary>Writes the counts, or takes them over.</summary>
    /// <exception cref="SpectralKDException">They are not of so many images.</exception>
    internal void Exchange(SumsFile file, string name, long images)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            file.Exchange(FormattableString.Invariant($"{name}.{i}"), _counts[i]);
            file.Require(_counts[i].All(count => count >= 0 && count <= images) && _counts[i].Sum() == images, $"{name} counts others than its {images} images");
        }

        _images = images;
    }

    private double MeanOf(long[] counts) => counts.Select((count, d) => (double)count * d).Sum() / _images;

    private double Percentile(long[] counts)
    {
        var place = 0.99 * (_images - 1);
        var (low, high) = (At(counts, (long)Math.Floor(place)), At(counts, (long)Math.Ceiling(place)));
        return low + ((high - low) * (place - Math.Floor(place)));
    }

    private static int At(long[] counts, long place)
    {
        var d = 0;
        for (var before = counts[0]; before <= place; before += counts[++d])
        {
        }

        return d;
    }
}

/// <summary>The dimensions of single images, from their singular values.</summary>
/// <param name="most">The most that an image can need.</param>
internal sealed class RankTally(int most)
{
    private const double Nothing = 1e-10;

    private readonly DimensionTally _dimensions = new(ImageRanks.Parts.Length + 1, most); // the last is the rank
    private readonly ExactSums _figures = new(3);

    /// <summary>Adds an image's singular values, the largest first.</summary>
    internal void Add(double[] singular)
    {
        double[] energies = [.. singular.Select(value => value * value)];
        _dimensions.Add([.. ImageRanks.Parts.Select(part => RankFigures.ComponentsFor(energies, part)), singular.Count(value => value > Nothing)]);
        _figures.Add([RankFigures.EffectiveRank(singular), RankFigures.RankMe(singular), RankFigures.Captured(energies, 1)]);
    }

    internal void Add(RankTally other)
    {
        _dimensions.Add(other._dimensions);
        _figures.Add(other._figures);
    }

    internal void Exchange(SumsFile file, string name, long images)
    {
        _dimensions.Exchange(file, name, images);
        file.Exchange(name + ".figures", _figures.Raw);
    }

    internal ImageRanks ToRanks(long images) => new()
    {
        Mean = _dimensions.Mean[..^1],
        Deviation = _dimensions.Deviation[..^1],
        Percentile99 = _dimensions.Percentile99[..^1],
        EffectiveRank = _figures[0] / images,
        RankMe = _figures[1] / images,
        Rank = _dimensions.Mean[^1],
        RankPercentile99 = _dimensions.Percentile99[^1],
        FirstShare = _figures[2] / images,
    };
}
