using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>How the spectral intensity spreads over the images, for some blocks.</summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="layers">0-based block indices, negative ones from the last analysed block; none takes the first, a middle and the last one.</param>
    /// <exception cref="SpectralKDException">A block was not analysed.</exception>
    public static GenericChart Histogram(ModelSpectrum spectrum, params IReadOnlyList<int> layers)
    {
        var blocks = layers.Count > 0
            ? layers.Select(spectrum.Block).ToList()
            : [.. new[] { 0, spectrum.Blocks.Length / 2, spectrum.Blocks.Length - 1 }.Distinct().Select(position => spectrum.Blocks[position])];
        var bins = new HistogramBins(blocks);
        var chart = new ChartBuilder("Spectral intensity of single images", UCurveText.Subject(spectrum))
            .Layout("showlegend", true)
            .Layout("xaxis", IntensityAxis(bins))
            .Layout("yaxis", ChartLook.Axis("Images (% of all, each bin)"));
        for (var i = 0; i < blocks.Count; i++)
        {
            chart.Trace("scatter", bins.Steps(blocks[i], i, blocks.Count));
        }

        return chart.Build();
    }

    private static Attributes IntensityAxis(HistogramBins bins)
    {
        var axis = ChartLook.Axis($"Spectral intensity of one image, mean |F|{(bins.IsWide ? " (log scale)" : "")}");
        if (bins.IsWide)
        {
            LogScale.Apply(axis, bins.Smallest, bins.Largest);
        }

        return axis;
    }
}

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
    internal Attributes Steps(BlockSpectrum block, int number, int of)
    {
        var counts = Counts(block).GroupBy(bin => (int)Math.Floor(bin.Key / (double)_width), bin => bin.Value)
            .ToDictionary(group => group.Key, group => group.Sum());
        var (x, y) = (new List<double>(), new List<double>());
        for (var bin = counts.Keys.DefaultIfEmpty(0).Min() - 1; bin <= counts.Keys.DefaultIfEmpty(0).Max() + 1; bin++)
        {
            x.Add(ImageIntensities.LowerEdge(bin * _width));
            y.Add(100.0 * counts.GetValueOrDefault(bin) / block.Images);
        }

        var colour = Sequence.Colour(number, of); // from the first block to the last
        var line = SeriesLine.Of(SeriesLook.Of(number) with { Colour = colour }, block.Name, x, y, markers: false);
        ((Attributes)line["line"]!)["shape"] = "hv";
        line["fill"] = "tozeroy";
        line["fillcolor"] = ChartLook.Faint(colour, 0.18);
        line["hovertemplate"] = $"{ChartLook.Text(block.Name)}<br>from %{{x:.4g}}: %{{y:.1f}} % of the images<extra></extra>";
        return line;
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<int, long> Counts(BlockSpectrum block)
        => (block.Spatial?.Intensities ?? block.Channel?.Intensities ?? ImageIntensities.Empty).Bins;
}
