using Plotly.NET;

namespace SpectralKD.Interactive;

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

/// <summary>Blocks with maps of one size as the rows of a heatmap; rings lie at their radius over the Nyquist radius.</summary>
internal static class DepthFrequencyRows
{
    internal static Attributes Of(IReadOnlyList<BlockSpectrum> blocks, bool normalize)
    {
        var rings = blocks[0].RadialCounts.Length;
        return new Attributes
        {
            ["x"] = Enumerable.Range(0, rings).Select(ring => ring / blocks[0].NyquistRadius).ToArray(),
            ["y"] = blocks.Select(block => block.Index).ToArray(),
            ["z"] = blocks.Select(block => LogScale.Of(Profile(block, normalize))).ToArray(),
            ["text"] = blocks.Select(block => Enumerable.Range(0, rings).Select(ring => Hover(block, ring)).ToArray()).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
            ["coloraxis"] = "coloraxis",
            ["xgap"] = 1,
            ["ygap"] = 1,
        };
    }

    internal static IEnumerable<double> Profile(BlockSpectrum block, bool normalize)
    {
        var profile = block.RadialAmplitude!.Value;
        var unit = normalize ? Math.Max(profile.Max(), double.Epsilon) : 1;
        return profile.Select(value => value / unit);
    }

    private static string Hover(BlockSpectrum block, int ring) => ChartLook.Text(block.Name) + FormattableString.Invariant(
        $"<br>{ring} cycles per map ({block.RadialCounts[ring]} frequencies)<br>mean |F| {block.RadialAmplitude!.Value[ring]:G4}");
}
