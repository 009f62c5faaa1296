namespace SpectralKD.Interactive.Charting;

/// <summary>The axes of curves over depth.</summary>
internal static class UCurveAxes
{
    private const int MostTicks = 30;

    internal static Attributes Depth(IReadOnlyList<ModelSpectrum> spectra, bool relative)
    {
        var axis = ChartLook.Axis(relative ? "Relative depth (0 first block, 1 last block)" : "Block (0 is the first)");
        var last = spectra.Max(spectrum => spectrum.Depth) - 1;
        if (!relative && last < MostTicks)
        {
            axis["dtick"] = last < 16 ? 1 : 2;
        }

        return axis;
    }

    /// <summary>Which intensity is drawn.</summary>
    internal static string What(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.All(spectrum => spectrum.Domain == SpectralDomain.Channel) ? "Channel intensity" : "Spectral intensity";

    internal static Attributes Intensity(IReadOnlyList<ModelSpectrum> spectra, bool normalize)
    {
        var axis = ChartLook.Axis(normalize ? $"{What(spectra)} / its maximum" : $"{What(spectra)} (mean |F|)");
        axis["rangemode"] = "tozero";
        return axis;
    }

    /// <summary>A block's place on the depth axis.</summary>
    internal static double Position(ModelSpectrum spectrum, BlockSpectrum block, bool relative)
    {
        var last = Math.Max(1, spectrum.Depth - 1);
        return relative ? (double)block.Index / last : block.Index;
    }
}
