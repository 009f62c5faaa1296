namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>The charts of <c>#!spectral-chart</c>.</summary>
public enum ChartKind
{
    /// <summary>Depth against frequency, one chart for each spectrum.</summary>
    Heatmap,

    /// <summary>How the intensity spreads over the images, one chart for each spectrum.</summary>
    Histogram,

    /// <summary>Entropy by layer, all spectra in one chart.</summary>
    Entropy,
}
