using Microsoft.Data.Analysis;
using Plotly.NET;
using SpectralKD.Interactive.Charting;
using SpectralKD.Models;
using SpectralKD.Spectra;
using SpectralKD.Weights;

namespace SpectralKD.Interactive;

/// <summary>Saves what a notebook works with, in the format that a file's ending names: the plain call behind <c>#!spectral-save</c>.</summary>
public static class SavedFile
{
    /// <summary>Saves a value; the file appears whole or not at all.</summary>
    /// <param name="value">
    /// A <see cref="ModelSpectrum"/> (.json, .csv with one row a block, or its U-curve as a chart), a DataFrame (.csv), a chart (.html, .json, .svg,
    /// .png, .pdf), a <see cref="VisionModel"/> (.safetensors).
    /// </param>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">The value has no such format, or the file cannot be written.</exception>
    public static void Save(object value, string path)
    {
        var ending = Path.GetExtension(path).ToLowerInvariant();
        switch (value)
        {
            case ModelSpectrum spectrum when ending == ".json":
                spectrum.Save(path);
                break;
            case ModelSpectrum spectrum when ending == ".csv":
                spectrum.ToDataFrame().SaveTable(path);
                break;
            case ModelSpectrum spectrum when ChartExport.Formats.Contains(ending):
                ChartExport.Save(Charts.UCurve(spectrum), path);
                break;
            case DataFrame table when ending == ".csv":
                table.SaveTable(path);
                break;
            case GenericChart chart when ChartExport.Formats.Contains(ending):
                ChartExport.Save(chart, path);
                break;
            case VisionModel model when ending == ".safetensors":
                ModelLoader.Save(model, path);
                break;
            default:
                throw new SpectralKDException($"a {value.GetType().Name} cannot be saved as \"{ending}\" ({path}); {Formats(value)}");
        }
    }

    private static string Formats(object value) => value switch
    {
        ModelSpectrum => $"a spectrum takes .csv, {string.Join(", ", ChartExport.Formats)}",
        DataFrame => "a table takes .csv",
        GenericChart => $"a chart takes {string.Join(", ", ChartExport.Formats)}",
        VisionModel => "a model takes .safetensors",
        _ => "what can be saved is a spectrum, a table, a chart or a model",
    };
}
