using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>
    /// A U-curve as the product of its two factors, the activations' RMS and the spectrum's kappa: each divided by its geometric mean over the blocks, on a logarithmic axis, so that
    /// the two lower curves add up to the first.
    /// </summary>
    /// <param name="spectrum">Spectra with the spatial domain; with both for the channel one.</param>
    /// <param name="domain">Whose intensity.</param>
    /// <exception cref="SpectralKDException">The domain was not analysed, or a block has no activation but zero.</exception>
    public static GenericChart Decomposition(ModelSpectrum spectrum, SpectralDomain domain = SpectralDomain.Spatial)
    {
        var parts = IntensityDecomposition.Of(spectrum, domain);
        (string Name, double[] Values)[] curves =
        [
            ("intensity = RMS × kappa", Relative(block => block.Intensity * block.Scale)),
            ("RMS: size of the activations", Relative(block => block.Rms)),
            ("kappa: evenness of the spectrum", Relative(block => block.Kappa)),
        ];
        var axis = ChartLook.Axis("times the curve's geometric mean");
        LogScale.Apply(axis, curves.Min(curve => curve.Values.Min()), curves.Max(curve => curve.Values.Max()));
        var share = parts.AmplitudeShare is { } amplitude
            ? FormattableString.Invariant($" · {100 * amplitude:0} % of its shape is the size of the activations")
            : "";
        var chart = new ChartBuilder($"What makes the {(domain == SpectralDomain.Channel ? "channel" : "spatial")} U-curve", UCurveText.Subject(spectrum, share))
            .Layout("xaxis", UCurveAxes.Depth([spectrum], false))
            .Layout("yaxis", axis)
            .Layout("showlegend", true);
        for (var i = 0; i < curves.Length; i++)
        {
            chart.Trace("scatter", SeriesLine.Of(i, curves[i].Name, spectrum.Blocks.Select(block => (double)block.Index), curves[i].Values));
        }

        return chart.Build();

        double[] Relative(Func<IntensityParts, double> value)
        {
            var middle = Math.Exp(parts.Blocks.Average(block => Math.Log(value(block))));
            return [.. parts.Blocks.Select(block => value(block) / middle)];
        }
    }

    /// <summary>A U-curve beside what is left of it when one thing is taken away from the maps.</summary>
    /// <param name="report">The model's report.</param>
    /// <param name="domain">Whose intensity.</param>
    public static GenericChart Nulls(SpectralReport report, SpectralDomain domain = SpectralDomain.Spatial)
    {
        var channel = domain == SpectralDomain.Channel;
        (string Name, Func<BlockReport, double> Value)[] curves = channel
            ?
            [
                ("as it is", block => block.Channel.Intensity),
                ("channels in random order", block => block.Nulls.ChannelsPermuted),
                ("tokens after LayerNorm", block => block.Nulls.NormalizedChannel),
                ("Gaussian of equal covariance", block => block.Nulls.GaussianChannel),
            ]
            :
            [
                ("as it is", block => block.Spatial.Intensity),
                ("places in random order", block => block.Nulls.PixelsPermuted),
                ("tokens after LayerNorm", block => block.Nulls.NormalizedSpatial),
                ("Gaussian of equal covariance", block => block.Nulls.GaussianSpatial),
            ];
        var axis = ChartLook.Axis(channel ? "Channel intensity (mean |F| / C)" : "Spectral intensity (mean |F|)");
        axis["rangemode"] = "tozero";
        var chart = new ChartBuilder($"The {(channel ? "channel" : "spatial")} U-curve and its nulls", UCurveText.Subject(report.Spectrum))
            .Layout("xaxis", UCurveAxes.Depth([report.Spectrum], false))
            .Layout("yaxis", axis)
            .Layout("showlegend", true);
        for (var i = 0; i < curves.Length; i++)
        {
            chart.Trace("scatter", SeriesLine.Of(i, curves[i].Name, report.Blocks.Select(block => (double)block.Index), report.Blocks.Select(curves[i].Value)));
        }

        return chart.Build();
    }
}
