using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

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
            chart.Trace("scatter", bins.Steps(blocks[i], i));
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
