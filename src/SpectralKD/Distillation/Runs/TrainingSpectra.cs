using System.Globalization;
using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>
/// A model's spectra over a training, checkpoint by checkpoint and over the same images, whoever trained: a run of ours that tracked its spectra, or the weights of any
/// training in one folder.
/// </summary>
/// <example><code>
/// var photos = ImageSources.Open("textures", count: 100, size: 64);
/// var training = await TrainingSpectra.AnalyseAsync("deit_nano_patch8_64", "checkpoints", photos);
/// training.ToDataFrame().SaveTable("training.csv");
/// </code></example>
public sealed record TrainingSpectra
{
    /// <summary>What tells the moments apart, in order of time: <c>before</c>, <c>epoch-0003</c>, <c>checkpoint-10</c>.</summary>
    public required IReadOnlyList<string> Moments { get; init; }

    /// <summary>The spectra of the moments, all of the same blocks.</summary>
    public required IReadOnlyList<ModelSpectrum> Spectra { get; init; }

    /// <summary>The tables of the moments' reports (<see cref="SpectralReport.ToDataFrame"/>); empty where spectra alone were taken.</summary>
    public IReadOnlyList<DataFrame> Reports { get; init; } = [];

    /// <summary>What was left out and why, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The figures that vary over a training: names of <see cref="ToDataFrame"/>'s columns from <c>intensity</c> on that hold numbers.</summary>
    public IReadOnlyList<string> Figures => [.. ToDataFrame().Columns.SkipWhile(column => column.Name != "intensity")
        .Where(column => column is DoubleDataFrameColumn && column.NullCount < column.Length).Select(column => column.Name)];

    /// <summary>Takes the spectra of every checkpoint in a folder.</summary>
    /// <param name="model">timm name of what was trained.</param>
    /// <param name="folder">Weights' files, or a folder each; taken in natural order, see <see cref="CheckpointFolder"/>.</param>
    /// <param name="images">The images, the same for all checkpoints.</param>
    /// <param name="load">Classes, image size, device; its weights are not used. Null: the defaults.</param>
    /// <param name="options">Domain, layers and so on.</param>
    /// <param name="keep">Folder for a spectrum file of each checkpoint. What is there of the same checkpoint and images is taken from it, so that a stop loses one checkpoint at most. Null keeps none.</param>
    /// <param name="report">Takes the report's figures of every checkpoint too: ranks, kappa, outliers and so on, see <see cref="SpectralReport"/>; both domains then. Beside each spectrum its table is kept.</param>
    /// <param name="progress">Told before each checkpoint, and after its batches.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">No checkpoint is there, or one does not fit the model; the message names it.</exception>
    public static async Task<TrainingSpectra> AnalyseAsync(
        string model,
        string folder,
        IImageSource images,
        ModelLoadOptions? load = null,
        SpectralOptions? options = null,
        string? keep = null,
        bool report = false,
        IProgress<TrainingSpectraProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        var found = CheckpointFolder.Open(folder);
        var (spectra, reports) = (new List<ModelSpectrum>(), new List<DataFrame>());
        options = (options ?? new SpectralOptions()) is var given && report ? given with { Domain = SpectralDomain.Both } : given;
        foreach (var checkpoint in found.Checkpoints)
        {
            progress?.Report(new TrainingSpectraProgress(checkpoint.Name, spectra.Count, found.Checkpoints.Count, 0));
            var file = keep is null ? null : Path.Combine(keep, checkpoint.Name + ".json");
            spectra.Add(KeptWhole(file, checkpoint) ?? await FreshAsync(checkpoint, file).ConfigureAwait(false));
        }

        progress?.Report(new TrainingSpectraProgress(found.Checkpoints[^1].Name, spectra.Count, spectra.Count, 0));
        return Of([.. found.Checkpoints.Select(checkpoint => checkpoint.Name)], spectra) with { Notes = found.Notes, Reports = reports };

        ModelSpectrum? KeptWhole(string? file, TrainingCheckpoint checkpoint)
        {
            var spectrum = Kept(file, checkpoint, images, options);
            if (spectrum is not null && report)
            {
                var table = TableIn(file!, spectrum);
                reports.AddRange(table is null ? [] : [table]);
                return table is null ? null : spectrum;
            }

            return spectrum;
        }

        async Task<ModelSpectrum> FreshAsync(TrainingCheckpoint checkpoint, string? file)
        {
            using var loaded = await LoadAsync(model, checkpoint, load ?? new ModelLoadOptions(), cancellation).ConfigureAwait(false);
            var steps = progress is null ? null : new Steps(progress, new TrainingSpectraProgress(checkpoint.Name, spectra.Count, found.Checkpoints.Count, 0));
            var whole = report ? SpectralReport.Run(loaded, images, options, steps, cancellation) : null;
            if (whole is not null)
            {
                reports.Add(whole.ToDataFrame());
            }

            var spectrum = whole?.Spectrum ?? SpectralAnalysis.Run(loaded, images, options, steps, cancellation);
            if (file is not null)
            {
                whole?.ToDataFrame().SaveTable(TableOf(file));
                spectrum.Save(file);
            }

            return spectrum;
        }
    }

    /// <summary>Reads the spectra that a run with <c>trackSpectra</c> has kept in its folder, or the <c>.json</c> files of a folder of spectra in natural order.</summary>
    /// <exception cref="SpectralKDException">There are none, or they are of different blocks.</exception>
    public static TrainingSpectra Load(string folder)
    {
        var place = SpectraIn(folder) ?? throw new SpectralKDException(
            $"the folder {folder} holds no spectra over time: give a run's folder whose recipe has trackSpectra, or analyse its checkpoints");
        var names = Directory.EnumerateFiles(place, "*.json").Select(Path.GetFileNameWithoutExtension).OfType<string>().Where(name => name != "teacher")
            .OrderBy(name => name == "before" ? 0 : 1).ThenBy(CheckpointFolder.Padded, StringComparer.Ordinal).ToList();
        List<ModelSpectrum> spectra = [.. names.Select(name => ModelSpectrum.Load(Path.Combine(place, name + ".json")))];
        List<DataFrame> reports = [.. names.Zip(spectra, (name, spectrum) => TableIn(Path.Combine(place, name + ".json"), spectrum)).OfType<DataFrame>()];
        return Of(names, spectra) with { Reports = reports.Count == spectra.Count ? reports : [] };
    }

    /// <summary>The teacher's spectrum that a run has kept beside its student's; null where there is none.</summary>
    public static ModelSpectrum? TeacherIn(string folder)
    {
        var file = SpectraIn(folder) is { } place ? Path.Combine(place, "teacher.json") : null;
        return File.Exists(file) ? ModelSpectrum.Load(file) : null;
    }

    /// <summary>Whether <see cref="Load"/> finds spectra in a folder.</summary>
    public static bool HasSpectra(string folder) => SpectraIn(folder) is not null;

    /// <summary>Names spectra by their moments.</summary>
    /// <param name="moments">A name for each spectrum, in order of time.</param>
    /// <param name="spectra">Spectra of the same blocks.</param>
    /// <exception cref="SpectralKDException">There are none, or their blocks differ.</exception>
    public static TrainingSpectra Of(IReadOnlyList<string> moments, IReadOnlyList<ModelSpectrum> spectra)
    {
        ArgumentNullException.ThrowIfNull(moments);
        ArgumentNullException.ThrowIfNull(spectra);
        if (spectra.Count == 0 || moments.Count != spectra.Count)
        {
            throw new SpectralKDException($"a training needs one spectrum for each moment, but got {spectra.Count} for {moments.Count}");
        }

        var odd = Enumerable.Range(0, spectra.Count).FirstOrDefault(i => !spectra[i].Blocks.Select(block => block.Name).SequenceEqual(spectra[0].Blocks.Select(block => block.Name)), -1);
        return odd < 0
            ? new TrainingSpectra { Moments = moments, Spectra = spectra }
            : throw new SpectralKDException($"{moments[odd]} has other blocks than {moments[0]}: analyse the same layers of one model every time");
    }

    /// <summary>The same beside a teacher: distances to it, layer by layer.</summary>
    public DistillationDynamics Towards(ModelSpectrum teacher) => DistillationDynamics.Of(teacher, Spectra);

    /// <summary>
    /// One row for each moment and block: <c>moment</c> (from 0), <c>checkpoint</c>, then the columns of a spectrum's own table, then those of a report's (<see cref="Reports"/>) that it adds.
    /// </summary>
    public DataFrame ToDataFrame()
    {
        var table = Spectra[0].ToDataFrame();
        foreach (var spectrum in Spectra.Skip(1))
        {
            table.Append(spectrum.ToDataFrame().Rows, inPlace: true);
        }

        foreach (var name in Reports.Take(1).SelectMany(report => report.Columns).Select(column => column.Name).Where(name => table.Columns.IndexOf(name) < 0).ToList())
        {
            table.Columns.Add(new DoubleDataFrameColumn(name, Reports.SelectMany(report => Enumerable.Range(0, (int)report.Rows.Count).Select(row => Number(report[name][row])))));
        }

        var per = Spectra[0].Blocks.Length;
        table.Columns.Insert(0, new StringDataFrameColumn("checkpoint", Moments.SelectMany(name => Enumerable.Repeat(name, per))));
        table.Columns.Insert(0, new Int32DataFrameColumn("moment", Enumerable.Range(0, Moments.Count).SelectMany(moment => Enumerable.Repeat(moment, per))));
        return table;
    }

    /// <summary>Whether what was asked for takes a report of every checkpoint: <c>spectrum</c> does not, <c>all</c> does, names do where one of them is no figure of a spectrum.</summary>
    /// <exception cref="SpectralKDException">There is no such figure.</exception>
    internal static bool NeedReport(IReadOnlyList<string> figures)
    {
        List<string> known = ["spectrum", "all", .. SpectrumTables.Figures, .. SpectralReport.Figures.Except(SpectrumTables.Figures)];
        if (figures.FirstOrDefault(name => !known.Contains(name)) is { } wrong)
        {
            throw new SpectralKDException($"there is no figure \"{wrong}\" of a block{NearestName.Suggestion(wrong, known)}; there are {string.Join(", ", known)}");
        }

        return figures.Any(name => name != "spectrum" && !SpectrumTables.Figures.Contains(name));
    }

    /// <summary>The figures that were asked for, of those that are there.</summary>
    /// <exception cref="SpectralKDException">One is not there.</exception>
    internal IReadOnlyList<string> Chosen(IReadOnlyList<string> figures)
    {
        var there = Figures;
        List<string> wanted = [.. figures.SelectMany(name => name == "all" ? there : name == "spectrum" ? there.Where(SpectrumTables.Figures.Contains) : [name]).Distinct()];
        return (NeedReport(figures) && Reports.Count == 0) || wanted.Except(there).Any()
            ? throw new SpectralKDException($"these spectra hold no {(wanted.Except(there).FirstOrDefault() ?? "figures of a report")}, only {string.Join(", ", there)}: take them from the checkpoints, with the model's name and what --figures and --domain need")
            : wanted;
    }

    private static double? Number(object? value) => value is null or string ? null : Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private static string TableOf(string spectrum) => Path.ChangeExtension(spectrum, ".csv");

    /// <summary>The report's table beside a spectrum; null where there is none of these blocks with all figures.</summary>
    private static DataFrame? TableIn(string file, ModelSpectrum spectrum) => File.Exists(TableOf(file)) && TableCsv.Load(TableOf(file)) is var table
        && table.Rows.Count == spectrum.Blocks.Length && SpectralReport.Figures.All(name => table.Columns.IndexOf(name) >= 0) ? table : null;

    private static string? SpectraIn(string folder) => new[] { RunFolder.SpectraOf(folder), folder }
        .FirstOrDefault(place => Directory.Exists(place) && Directory.EnumerateFiles(place, "*.json").Any(SpectrumJson.Looks));

    private static ModelSpectrum? Kept(string? file, TrainingCheckpoint checkpoint, IImageSource images, SpectralOptions? options)
    {
        if (file is null || !File.Exists(file) || File.GetLastWriteTimeUtc(file) < File.GetLastWriteTimeUtc(checkpoint.Weights))
        {
            return null;
        }

        var kept = ModelSpectrum.Load(file);
        options ??= new SpectralOptions();
        return kept.Source == images.Name && kept.Images + kept.Skipped.Length == images.Count && kept.Domain == options.Domain && kept.At == options.At ? kept : null;
    }

    private static async Task<VisionModel> LoadAsync(string model, TrainingCheckpoint checkpoint, ModelLoadOptions load, CancellationToken cancellation)
    {
        try
        {
            return await ModelLoader.LoadAsync(model, load with { Weights = checkpoint.Weights }, cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (SpectralKDException error)
        {
            throw new SpectralKDException($"checkpoint {checkpoint.Name}: {error.Message}", error);
        }
    }

    private sealed class Steps(IProgress<TrainingSpectraProgress> progress, TrainingSpectraProgress start) : IProgress<AnalysisProgress>
    {
        public void Report(AnalysisProgress value) => progress.Report(start with { Fraction = value.Fraction ?? 0 });
    }
}

/// <summary>How far <see cref="TrainingSpectra.AnalyseAsync"/> is.</summary>
/// <param name="Checkpoint">The checkpoint in work.</param>
/// <param name="Done">Checkpoints that are complete.</param>
/// <param name="Total">All checkpoints.</param>
/// <param name="Fraction">How much of this one is done, 0 to 1.</param>
public sealed record TrainingSpectraProgress(string Checkpoint, int Done, int Total, double Fraction);
