namespace SpectralKD.Interactive.Charting;

/// <summary>Coarsens the stored bins (128 a decade) so that each block's values fall into about twenty.</summary>
internal sealed class HistogramBins
{
    private const int Wanted = 20;
    private readonly int _width;

    internal HistogramBins(IReadOnlyCollection<BlockSpectrum> blocks)
    {
        var keys = blocks.SelectMany(block => Counts(block).Keys).DefaultIfEmpty(0).ToList();
        (Smallest, Largest) = (ImageIntensities.LowerEdge(keys.Min()), ImageIntensities.LowerEdge(keys.Max() + 1));
        IsWide = keys.Max() - keys.Min() > ImageIntensities.BinsPerDecade;
        var spans = blocks.Select(block => Counts(block)).Where(bins => bins.Count > 0).Select(bins => bins.Keys.Last() - bins.Keys.First() + 1);
        _width = Math.Max(1, (int)Math.Round(spans.DefaultIfEmpty(1).Min() / (double)Wanted));
    }

    /// <summary>Lower edge of the first bin that holds an image.</summary>
    internal double Smallest { get; }

    /// <summary>Upper edge of the last bin that holds an image.</summary>
    internal double Largest { get; }

    /// <summary>Whether the intensities span more than a decade.</summary>
    internal bool IsWide { get; }

    /// <summary>A filled outline of one block's histogram.</summary>
    internal Attributes Steps(BlockSpectrum block, int series)
    {
        var counts = Counts(block).GroupBy(bin => (int)Math.Floor(bin.Key / (double)_width), bin => bin.Value)
            .ToDictionary(group => group.Key, group => group.Sum());
        var (x, y) = (new List<double>(), new List<double>());
        for (var bin = counts.Keys.DefaultIfEmpty(0).Min() - 1; bin <= counts.Keys.DefaultIfEmpty(0).Max() + 1; bin++)
        {
            x.Add(ImageIntensities.LowerEdge(bin * _width));
            y.Add(100.0 * counts.GetValueOrDefault(bin) / block.Images);
        }

        var line = SeriesLine.Of(series, block.Name, x, y, markers: false);
        ((Attributes)line["line"]!)["shape"] = "hv";
        line["fill"] = "tozeroy";
        line["fillcolor"] = ChartLook.Faint(ChartLook.Colour(series), 0.18);
        line["hovertemplate"] = $"{ChartLook.Text(block.Name)}<br>from %{{x:.4g}}: %{{y:.1f}} % of the images<extra></extra>";
        return line;
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<int, long> Counts(BlockSpectrum block)
        => (block.Spatial?.Intensities ?? block.Channel?.Intensities ?? ImageIntensities.Empty).Bins;
}
