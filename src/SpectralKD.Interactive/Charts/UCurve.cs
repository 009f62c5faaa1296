using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

/// <summary>Charts of spectra: one look, colour-blind-safe, titled, labelled, made of plain Plotly.NET charts that can be styled further.</summary>
public static partial class Charts
{
    /// <summary>The U-curve of one model: spectral intensity over depth, with the spread over images and the verdict.</summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="normalize">True divides by the largest intensity.</param>
    /// <param name="relativeDepth">True puts depth from 0 (first block) to 1 (last block) instead of the block's index.</param>
    public static GenericChart UCurve(ModelSpectrum spectrum, bool normalize = false, bool relativeDepth = false)
        => UCurve([spectrum], normalize, relativeDepth);

    /// <summary>The U-curves of several models in one chart.</summary>
    /// <param name="spectra">The models' spectra, at least one.</param>
    /// <param name="normalize">True divides each curve by its largest intensity.</param>
    /// <param name="relativeDepth">
    /// True puts depth from 0 (first block) to 1 (last block), false the block's index; null takes the relative depth where the models' depths differ.
    /// </param>
    /// <exception cref="SpectralKDException">No spectrum is given.</exception>
    public static GenericChart UCurve(IReadOnlyList<ModelSpectrum> spectra, bool normalize = false, bool? relativeDepth = null)
    {
        ChartNeeds.Some(spectra, "spectrum");
        var relative = relativeDepth ?? spectra.Select(spectrum => spectrum.Depth).Distinct().Count() > 1;
        var chart = new ChartBuilder($"{UCurveAxes.What(spectra)} over depth", UCurveText.Subtitle(spectra))
            .Layout("xaxis", UCurveAxes.Depth(spectra, relative))
            .Layout("yaxis", UCurveAxes.Intensity(spectra, normalize))
            .Layout("showlegend", spectra.Count > 1);
        for (var i = 0; i < spectra.Count; i++)
        {
            var curve = new UCurveTraces(spectra[i], UCurveText.Legend(spectra, i), i, normalize, relative);
            chart = spectra.Count == 1 ? curve.AddSpread(chart) : chart;
            curve.AddLine(chart);
        }

        return chart.Build();
    }
}
