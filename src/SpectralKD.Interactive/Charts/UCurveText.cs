namespace SpectralKD.Interactive.Charting;

/// <summary>The words of a U-curve.</summary>
internal static class UCurveText
{
    internal static string Subtitle(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count == 1
            ? WithWeights(
                $"{spectra[0].Title} · {Images(spectra[0])} · {spectra[0].UShape.Words}{(spectra[0].Images > 1 ? " · band: ± 1 s.d. over images" : "")}", spectra[0])
            : Subject(spectra);

    /// <summary>One model, its images and its weights, and what else there is to say between them.</summary>
    internal static string Subject(ModelSpectrum spectrum, string more = "") => WithWeights($"{spectrum.Title} · {Images(spectrum)}{more}", spectrum);

    /// <summary>A subtitle, and a line of where the model's weights came from where that was recorded.</summary>
    private static string WithWeights(string subtitle, ModelSpectrum spectrum) => spectrum.Weights is { } weights ? $"{subtitle}\n{weights.Brief}" : subtitle;

    /// <summary>One model and its images, or the images of several.</summary>
    internal static string Subject(IReadOnlyList<ModelSpectrum> spectra)
        => spectra.Count == 1 ? Subject(spectra[0]) : string.Join(" · ", spectra.Select(Images).Distinct());

    /// <summary>Name of one of several models; the source too, where one model occurs with several.</summary>
    internal static string Name(IReadOnlyList<ModelSpectrum> spectra, int index)
        => spectra[index].Title + (spectra.Count(other => other.Title == spectra[index].Title) > 1 ? $", {spectra[index].Source}" : "");

    /// <summary>Name and verdict of one of several models; the source too, where one model occurs with several.</summary>
    internal static string Legend(IReadOnlyList<ModelSpectrum> spectra, int index)
        => $"{Name(spectra, index)}: {spectra[index].UShape.Words}";

    internal static string Images(ModelSpectrum spectrum)
        => FormattableString.Invariant($"{spectrum.Images:N0} image{(spectrum.Images == 1 ? "" : "s")} of {spectrum.Source}");

    /// <summary>What hovering over a block shows.</summary>
    internal static string Hover(ModelSpectrum spectrum, BlockSpectrum block)
    {
        var lines = new List<string?>
        {
            $"<b>{ChartLook.Text(spectrum.Title)}</b>",
            spectrum.Weights is { } weights ? ChartLook.Text(weights.Brief) : null,
            ChartLook.Text(FormattableString.Invariant($"{block.Name}: {block.Channels} channels, {block.Height} × {block.Width}")),
            FormattableString.Invariant($"intensity {block.Intensity:G5} ± {block.IntensityDeviation:G2} over images"),
            block.Uniformity is { } uniformity ? FormattableString.Invariant($"uniformity {uniformity:0.000}") : null,
            block.HighFrequencyRatio is { } ratio ? FormattableString.Invariant($"high-frequency ratio {ratio:0.000}") : null,
            block.ActivationEntropy is { } entropy ? FormattableString.Invariant($"activation entropy {entropy:0.00} bits") : null,
        };
        return string.Join("<br>", lines.OfType<string>());
    }
}
