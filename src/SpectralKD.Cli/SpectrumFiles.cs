using SpectralKD.Interactive.Charting;
using SpectralKD.Spectra;

namespace SpectralKD.Cli;

/// <summary>Writes what an analysis leaves: <c>blocks.csv</c>, <c>spectrum.json</c>, <c>u-curve.html</c>.</summary>
internal static class SpectrumFiles
{
    public static void Write(ModelSpectrum spectrum, string folder, TextWriter output)
    {
        var (csv, json, html) = (Path.Combine(folder, "blocks.csv"), Path.Combine(folder, "spectrum.json"), Path.Combine(folder, "u-curve.html"));
        spectrum.ToDataFrame().SaveTable(csv);
        spectrum.Save(json);
        AtomicFile.WriteText(html, ChartHtml.Page($"U-curve of {spectrum.Title}", Charts.UCurve(spectrum)));
        output.WriteLine($"{spectrum.Title}: {spectrum.Blocks.Length} blocks, {spectrum.Images} images, {spectrum.UShape.Words}");
        foreach (var file in new[] { csv, json, html })
        {
            output.WriteLine(file);
        }
    }
}
