using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Charting;

/// <summary>The words of a U-curve.</summary>
internal static class UCurveText
{
    internal static string Subtitle(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count == 1
            ? $"{spectra[0].Model} · {Images(spectra[0])} · {spectra[0].UShape.Words}{(spectra[0].Images > 1 ? " · band: ± 1 s.d. over images" : "")}"
            : string.Join(" · ", spectra.Select(spectrum => Images(spectrum)).Distinct());

    /// <summary>Name and verdict of one of several models; the source too, where one model occurs with several.</summary>
    internal static string Legend(IReadOnlyList<ModelSpectrum> spectra, int index)
    {
        var spectrum = spectra[index];
        var twice = spectra.Count(other => other.Model == spectrum.Model) > 1;
        return $"{spectrum.Model}{(twice ? $", {spectrum.Source}" : "")}: {spectrum.UShape.Words}";
    }

    internal static string Images(ModelSpectrum spectrum)
        => FormattableString.Invariant($"{spectrum.Images:N0} image{(spectrum.Images == 1 ? "" : "s")} of {spectrum.Source}");

    /// <summary>What hovering over a block shows.</summary>
    internal static string Hover(ModelSpectrum spectrum, BlockSpectrum block)
    {
        var lines = new List<string?>
        {
            $"<b>{ChartLook.Text(spectrum.Model)}</b>",
            ChartLook.Text(FormattableString.Invariant($"{block.Name}: {block.Channels} channels, {block.Height} × {block.Width}")),
            FormattableString.Invariant($"intensity {block.Intensity:G5} ± {block.IntensityDeviation:G2} over images"),
            block.Uniformity is { } uniformity ? FormattableString.Invariant($"uniformity {uniformity:0.000}") : null,
            block.HighFrequencyRatio is { } ratio ? FormattableString.Invariant($"high-frequency ratio {ratio:0.000}") : null,
            block.ActivationEntropy is { } entropy ? FormattableString.Invariant($"activation entropy {entropy:0.00} bits") : null,
        };
        return string.Join("<br>", lines.OfType<string>());
    }
}
