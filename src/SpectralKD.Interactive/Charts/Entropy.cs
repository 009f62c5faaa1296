using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

public static partial class Charts
{
    /// <summary>Entropy by layer: the activation entropy in bits where all spectra have it, else the uniformity of the spatial spectrum.</summary>
    /// <param name="spectra">The models' spectra, at least one.</param>
    /// <exception cref="SpectralKDException">No spectrum is given, or they share neither figure.</exception>
    public static GenericChart Entropy(params IReadOnlyList<ModelSpectrum> spectra)
    {
        ChartNeeds.Some(spectra, "spectrum");
        var bits = spectra.All(spectrum => spectrum.Blocks.All(block => block.Entropy is not null));
        if (!bits)
        {
            spectra.ToList().ForEach(spectrum => ChartNeeds.Domain(spectrum, SpectralDomain.Spatial));
        }

        var relative = spectra.Select(spectrum => spectrum.Depth).Distinct().Count() > 1;
        var chart = new ChartBuilder(bits ? "Activation entropy over depth" : "Spectral uniformity over depth", UCurveText.Subject(spectra))
            .Layout("xaxis", UCurveAxes.Depth(spectra, relative))
            .Layout("yaxis", ChartLook.Axis(bits ? "Activation entropy (bits, 100 bins)" : "Uniformity (spectral entropy, 0 to 1)"))
            .Layout("showlegend", spectra.Count > 1);
        for (var i = 0; i < spectra.Count; i++)
        {
            var spectrum = spectra[i];
            chart.Trace("scatter", SeriesLine.Of(
                i,
                UCurveText.Name(spectra, i),
                spectrum.Blocks.Select(block => UCurveAxes.Position(spectrum, block, relative)),
                spectrum.Blocks.Select(block => (bits ? block.ActivationEntropy : block.Uniformity)!.Value),
                spectrum.Blocks.Select(block => UCurveText.Hover(spectrum, block))));
        }

        return chart.Build();
    }
}
