using Plotly.NET;

namespace SpectralKD.Interactive.Charting;

public static partial class Charts
{
    /// <summary>
    /// One block: its two-dimensional amplitude map (logarithmic colours), its radial profile, and its channel spectrum (k &lt; C / 2) — as far as
    /// the domains were analysed.
    /// </summary>
    /// <param name="spectrum">The model's spectrum.</param>
    /// <param name="layer">0-based block index; negative counts from the last analysed block.</param>
    /// <exception cref="SpectralKDException">The block was not analysed.</exception>
    public static GenericChart Layer(ModelSpectrum spectrum, int layer = -1)
    {
        var block = spectrum.Block(layer);
        var chart = new ChartBuilder(
            $"Spectra of {block.Name}",
            UCurveText.Subject(spectrum, FormattableString.Invariant($" · {block.Channels} channels, {block.Height} × {block.Width}")));
        var panels = new LayerPanels(chart, block, block.Spatial is not null && block.Channel is not null);
        if (block.Spatial is not null)
        {
            panels.AddMap();
            panels.AddProfile();
        }

        if (block.Channel is not null)
        {
            panels.AddChannels();
        }

        return chart.Layout("showlegend", false).Layout("height", block.Spatial is not null && block.Channel is not null ? 740 : 440).Build();
    }
}
