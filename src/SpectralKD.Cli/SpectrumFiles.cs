using SpectralKD.Interactive;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli;

/// <summary>Any folder of results: tried before the first image, and nothing in it overwritten unasked.</summary>
internal static class OutputFolder
{
    /// <summary>Makes sure that the folder can be written and does not hold the result already.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="file">The result's main file in it.</param>
    /// <param name="what">What the file holds, with its article.</param>
    /// <param name="force">Overwrites it.</param>
    /// <exception cref="SpectralKDException">It cannot be written, or holds a result already.</exception>
    public static void Prepare(string folder, string file, string what, bool force)
    {
        if (!force && Path.Combine(folder, file) is var there && File.Exists(there))
        {
            throw new SpectralKDException($"{folder} holds {what} already ({there}): --force overwrites it, or choose another folder");
        }

        RequireWritable(folder);
    }

    /// <summary>Makes the folder where it is missing, and a file in it for a moment.</summary>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public static void RequireWritable(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var probe = Path.Combine(folder, $".{Environment.ProcessId}.tmp");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"the folder {folder} cannot be written: {error.Message.TrimEnd('.')}; choose another with --out", error);
        }
    }
}

/// <summary>The folder that an analysis writes to: tried before the first image, never overwritten unasked, and what its files are.</summary>
internal sealed class SpectrumFiles
{
    private readonly string _folder;

    private SpectrumFiles(string folder) => _folder = folder;

    /// <summary>The spectrum itself.</summary>
    public string Spectrum => Path.Combine(_folder, "spectrum.json");

    /// <summary>What a stopped analysis has computed.</summary>
    public string Partial => Path.Combine(_folder, "partial.json");

    /// <summary>The sums of a report.</summary>
    public string Sums => Path.Combine(_folder, "sums.safetensors");

    /// <summary>The table of the blocks.</summary>
    public string Table => Path.Combine(_folder, "blocks.csv");

    /// <summary>The chart.</summary>
    public string Chart => Path.Combine(_folder, "u-curve.html");

    /// <summary>The table of single images, where they were kept.</summary>
    public string Images => Path.Combine(_folder, "images.csv");

    /// <summary>The files of a result.</summary>
    public IReadOnlyList<string> Of(ModelSpectrum spectrum) => spectrum.PerImage is null ? [Table, Spectrum, Chart] : [Table, Images, Spectrum, Chart];

    /// <summary>Makes the folder where it is missing, and makes sure that it can be written and holds nothing that would be lost.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="force">Overwrites a result, and forgets a stopped analysis.</param>
    /// <param name="resume">Goes on with a stopped analysis, and keeps a result.</param>
    /// <exception cref="SpectralKDException">It cannot be written, or holds a result already.</exception>
    public static SpectrumFiles Prepare(string folder, bool force, bool resume = false)
    {
        var files = new SpectrumFiles(folder);
        if (!force && !resume && (File.Exists(files.Spectrum), File.Exists(files.Partial)) is var (whole, part) && (whole || part))
        {
            throw new SpectralKDException(whole ? $"{folder} holds a spectrum already ({files.Spectrum}): --force overwrites it, or choose another folder"
                : $"{folder} holds a stopped analysis ({files.Partial}): --resume goes on with it, --force begins anew");
        }

        OutputFolder.RequireWritable(folder);
        if (force)
        {
            File.Delete(files.Partial);
        }

        return files;
    }

    /// <summary>Writes the result; what was kept of the analysis is then of no use.</summary>
    public void Write(ModelSpectrum spectrum)
    {
        spectrum.ToDataFrame().SaveTable(Table);
        if (spectrum.PerImage is not null)
        {
            spectrum.SaveImageTable(Images);
        }

        AtomicFile.WriteText(Chart, ChartHtml.Page($"U-curve of {spectrum.Title}", Charts.UCurve(spectrum)));
        spectrum.Save(Spectrum);
        File.Delete(Partial);
    }

    /// <summary>Writes a report.</summary>
    /// <returns>Its files.</returns>
    public IReadOnlyList<string> Write(SpectralReport report)
    {
        var (page, table) = (Path.Combine(_folder, "report.html"), Path.Combine(_folder, "report.csv"));
        report.ToDataFrame().SaveTable(table);
        AtomicFile.WriteText(page, ReportPage.Html(report));
        report.Save(Sums);
        report.Spectrum.Save(Spectrum);
        if (report.Spectrum.PerImage is null)
        {
            return [page, table, Spectrum, Sums];
        }

        report.Spectrum.SaveImageTable(Images);
        return [page, table, Images, Spectrum, Sums];
    }

    /// <summary>A result in lines.</summary>
    public string Words(ModelSpectrum spectrum) => string.Join(
        Environment.NewLine, Of(spectrum).Prepend($"{spectrum.Title}: {spectrum.Blocks.Length} block{(spectrum.Blocks.Length == 1 ? "" : "s")}, {spectrum.Images} image{(spectrum.Images == 1 ? "" : "s")}, {spectrum.UShape.Words}"));

    /// <summary>A result as JSON shows it.</summary>
    /// <param name="spectrum">The spectrum.</param>
    /// <param name="name">What it is called among others; null where it is the only one.</param>
    public object Figures(ModelSpectrum spectrum, string? name = null) => new
    {
        Name = name ?? spectrum.Title,
        spectrum.Model,
        Weights = spectrum.Weights?.Words,
        Untrained = spectrum.Weights?.IsUntrained,
        spectrum.Source,
        spectrum.Images,
        spectrum.Skipped,
        Verdict = spectrum.UShape.Words,
        Files = Of(spectrum),
        Blocks = Results.Rows(spectrum.ToDataFrame()),
    };
}
