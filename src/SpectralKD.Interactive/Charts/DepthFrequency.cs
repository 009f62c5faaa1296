using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

public static partial class Charts
{
    /// <summary>Depth against frequency: each block's radial amplitude profile as a row of colour, on a logarithmic scale.</summary>
    /// <param name="spectrum">Spectra of the spatial domain.</param>
    /// <param name="normalize">True divides each block by its largest amplitude, so that shapes compare whatever the level.</param>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed.</exception>
    public static GenericChart DepthFrequency(ModelSpectrum spectrum, bool normalize = false)
    {
        ChartNeeds.Domain(spectrum, SpectralDomain.Spatial);
        var chart = new ChartBuilder("Amplitude over depth and frequency", UCurveText.Subject(spectrum));
        foreach (var blocks in spectrum.Blocks.GroupBy(block => (block.Height, block.Width)))
        {
            chart.Trace("heatmap", DepthFrequencyRows.Of([.. blocks], normalize));
        }

        var axis = ChartLook.Axis("Block (0 is the first)");
        axis["autorange"] = "reversed";
        axis["showgrid"] = false;
        axis["dtick"] = spectrum.Blocks.Length <= 16 ? 1 : 2;
        var frequency = ChartLook.Axis("Spatial frequency / Nyquist frequency of the map");
        frequency["showgrid"] = false;
        var values = spectrum.Blocks.SelectMany(block => DepthFrequencyRows.Profile(block, normalize));
        return chart.Layout("xaxis", frequency)
            .Layout("yaxis", axis)
            .Layout("coloraxis", LogScale.ColourAxis(values, normalize ? "mean |F| / the block's maximum" : "mean amplitude |F|"))
            .Build();
    }
}
