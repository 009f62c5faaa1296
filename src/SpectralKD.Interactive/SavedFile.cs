using Microsoft.Data.Analysis;
using Plotly.NET;

namespace SpectralKD.Interactive;

/// <summary>Saves what a notebook works with, in the format that a file's ending names: the plain call behind <c>#!spectral-save</c>.</summary>
/// <example><code>
/// var spectrum = ModelSpectrum.Load("deit.json");
/// SavedFile.Save(spectrum, "blocks.csv");     // the table; .json the spectrum itself, .html and .svg its U-curve
/// </code></example>
public static class SavedFile
{
    /// <summary>Saves a value; the file appears whole or not at all.</summary>
    /// <param name="value">
    /// A <see cref="ModelSpectrum"/> (.json to load again, .csv, .arrow or .parquet with one row a block, or its U-curve as a chart), a table, a <see cref="SpectralReport"/> (.safetensors to load or merge again, .csv, .arrow, .parquet, or its decomposition as a chart), <see cref="LayerPairs"/>,
    /// a <see cref="DistillationRun"/>'s epochs or <see cref="LayerPredictions"/> (.csv, .arrow, .parquet), a <see cref="ComparisonResult"/> (the same, or its differences as a chart),
    /// a <see cref="ModelSimilarity"/> (.safetensors to load or merge too), a <see cref="LayerStudy"/> or <see cref="DistillationDynamics"/> (the same, or as a chart), a chart (.html, .json, .svg, .png, .pdf),
    /// images (.png, the contact sheet), a
    /// <see cref="VisionModel"/> (.safetensors, or with a <c>/</c> at the end of the path a folder that
    /// <c>timm.create_model("local-dir:FOLDER")</c> opens).
    /// </param>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">The value has no such format, or the file cannot be written.</exception>
    public static void Save(object value, string path)
    {
        Check(value, path, null);
        Formats(value)[Ending(path)](path);
    }

    /// <summary>Saves several values; charts are drawn through one start of the browser. What cannot be saved is said before anything is.</summary>
    /// <param name="values">Values and their files.</param>
    /// <param name="printWidth">Width of charts on paper, such as <c>85mm</c>, see <see cref="ChartExport.SaveAll"/>; null for 900 pixels.</param>
    /// <exception cref="SpectralKDException">A value has no such format, no such width, or a file cannot be written.</exception>
    public static void SaveAll(IEnumerable<(object Value, string Path)> values, string? printWidth = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        var all = values.ToList();
        all.ForEach(pair => Check(pair.Value, pair.Path, printWidth));
        var charts = all.Where(pair => IsDrawn(pair.Value, pair.Path)).ToList();
        all.Except(charts).ToList().ForEach(pair => Formats(pair.Value)[Ending(pair.Path)](pair.Path));
        ChartExport.SaveAll(charts.Select(pair => (ChartOf(pair.Value)!(), pair.Path)), printWidth);
    }

    private static void Check(object value, string path, string? printWidth)
    {
        var formats = Formats(value);
        if (!formats.ContainsKey(Ending(path)))
        {
            throw new SpectralKDException(formats.Count == 0
                ? $"a {value.GetType().Name} cannot be saved ({path}): what can is a spectrum, a table, layer pairs, a run, a comparison, dynamics, a chart, images or a model"
                : $"a {value.GetType().Name} cannot be saved as \"{Ending(path)}\" ({path}): it takes {string.Join(", ", formats.Keys)}");
        }

        if (printWidth is not null && !IsDrawn(value, path))
        {
            throw new SpectralKDException($"a width on paper is for charts as .svg, .png or .pdf; leave --width out for {path}");
        }
    }

    private static bool IsDrawn(object value, string path) => ChartOf(value) is not null && Ending(path) is (".svg" or ".png" or ".pdf");

    private static string Ending(string path)
        => path.EndsWith('/') || path.EndsWith(Path.DirectorySeparatorChar) ? "/" : Path.GetExtension(path).ToLowerInvariant();

    /// <summary>What a value can be saved as: a file's ending, and how.</summary>
    private static Dictionary<string, Action<string>> Formats(object value)
    {
        var formats = new Dictionary<string, Action<string>>();
        if (TableOf(value) is { } table)
        {
            formats[".csv"] = path => table().SaveTable(path);
            formats[".arrow"] = path => TableArrow.Save(table(), path);
            formats[".parquet"] = path => TableParquet.Save(table(), path);
        }

        if (ChartOf(value) is { } chart)
        {
            ChartExport.Formats.ToList().ForEach(ending => formats[ending] = path => ChartExport.Save(chart(), path));
        }

        switch (value)
        {
            case ModelSpectrum spectrum:
                formats[".json"] = spectrum.Save;
                break;
            case SpectralReport report:
                formats[".safetensors"] = report.Save;
                break;
            case ModelSimilarity { Sums: not null } similarity:
                formats[".safetensors"] = similarity.Save;
                break;
            case LinkedBlocks linked:
                formats[".html"] = linked.Save;
                break;
            case VisionModel model:
                formats[".safetensors"] = path => ModelLoader.Save(model, path);
                formats["/"] = path => ModelLoader.SavePretrained(model, path);
                break;
            case IImageSource images:
                formats[".png"] = path => AtomicFile.Write(path, stream => stream.Write(ContactSheet.Render(images)));
                break;
        }

        return formats;
    }

    private static Func<DataFrame>? TableOf(object value) => value switch
    {
        DataFrame table => () => table,
        ModelSpectrum spectrum => spectrum.ToDataFrame,
        SpectralReport report => report.ToDataFrame,
        LayerPairs pairs => pairs.ToDataFrame,
        ModelSimilarity similarity => similarity.ToDataFrame,
        LayerPredictions predictions => () => predictions.Table,
        LayerStudy study => study.ToDataFrame,
        DistillationRun run => run.ToDataFrame,
        ComparisonResult result => result.ToDataFrame,
        DistillationDynamics dynamics => dynamics.ToDataFrame,
        _ => null,
    };

    private static Func<GenericChart>? ChartOf(object value) => value switch
    {
        GenericChart chart => () => chart,
        ModelSpectrum spectrum => () => Charts.UCurve(spectrum),
        SpectralReport report => () => Charts.Decomposition(report.Spectrum),
        ComparisonResult result => () => Charts.Differences(result),
        ModelSimilarity similarity => () => Charts.Similarity(similarity),
        LayerStudy study => () => Charts.Predictors(study),
        DistillationDynamics dynamics => () => Charts.Dynamics(dynamics.Teacher, dynamics.Before, dynamics.After),
        _ => null,
    };
}
