using System.CommandLine;
using System.Text.RegularExpressions;
using SpectralKD.Interactive;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd analyze</c>: what <c>#!spectral-model</c>, <c>-images</c> and <c>-analyze</c> do, for scripts and schedulers.</summary>
internal static class AnalyzeVerb
{
    private static readonly Option<string> Model = ModelOptions.Model(description: "timm name, for example deit_tiny_patch16_224; several by commas", several: true);
    private static readonly Option<string> Weights = ModelOptions.Weights(after: "; several by commas, or a folder of checkpoints");
    private static readonly Option<string?> Size = ModelOptions.Size();
    private static readonly Option<int?> Window = ModelOptions.Window();
    private static readonly Option<string> Images = ModelOptions.Images();
    private static readonly Option<int?> Count = ModelOptions.Count();
    private static readonly Option<SpectralDomain?> Domain = ModelOptions.Domain();
    private static readonly Option<MapPoint?> At = ModelOptions.At();
    private static readonly Option<string> Layers = ModelOptions.Layers();
    private static readonly Option<int?> Batch = ModelOptions.Batch();
    private static readonly Option<string?> Shard = ModelOptions.Shard();
    private static readonly Option<string?> EntropyRange = ModelOptions.EntropyRange();
    private static readonly Option<ModelPrecision?> Precision = ModelOptions.Precision();
    private static readonly Option<bool> PerImage = ModelOptions.PerImage();
    private static readonly Option<string?> Cache = ModelOptions.Cache();
    private static readonly Option<string?> Device = ModelOptions.Device();
    private static readonly Option<string> Output = ModelOptions.Folder("Folder for blocks.csv, spectrum.json and u-curve.html; of several models one folder each in it, and the chart and table of all");
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on with the analysis that was stopped or killed in the folder; what is complete stays" };
    private static readonly Option<bool> Force = new("--force") { Description = "Overwrite a result in the folder, or begin a stopped analysis anew" };

    public static Command Create()
    {
        var command = new Command("analyze", "Takes the spectrum of every block of a model over a set of images")
        {
            Model, Weights, Size, Window, Images, Count, Domain, At, Layers, Batch, Shard, EntropyRange, Precision, PerImage, Cache, Device, Output, Resume, Force,
        }.PrintsResults();
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var error = options.InvocationConfiguration.Error;
        // What is typed wrong, and a folder that cannot be written, is said before a model is loaded.
        var size = ModelOptions.SizeIn(options, Size);
        var settings = new SpectralOptions
        {
            Domain = options.GetValue(Domain) ?? SpectralDomain.Spatial,
            At = options.GetValue(At) ?? MapPoint.Resid,
            BatchSize = options.GetValue(Batch),
            Precision = options.GetValue(Precision),
            PerImage = options.GetValue(PerImage),
            Shard = options.GetValue(Shard) is { } part ? DataShard.Parse(part) : null,
            EntropyRange = options.GetValue(EntropyRange) is { } bounds ? ActivationRange.Parse(bounds) : null,
        };
        var left = new List<string>();
        var targets = AnalysisTargets.Of(options.GetRequiredValue(Model), options.GetRequiredValue(Weights), left);
        await ModelOptions.TellAsync(left, error);
        var (folder, force, resume) = (options.GetRequiredValue(Output), options.GetValue(Force), options.GetValue(Resume));
        var places = targets.Select(target => SpectrumFiles.Prepare(Path.Combine(folder, target.Name), force, resume)).ToList();
        var images = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        await ModelOptions.TellAsync(images.Notes, error);
        if (settings is { Shard: not null, EntropyRange: null } && settings.Domain.HasFlag(SpectralDomain.Channel))
        {
            await error.WriteLineAsync(
                "this part's activation entropy is counted over its own range and will not merge with other parts': give all parts one --entropy-range");
        }

        var spectra = new List<ModelSpectrum>();
        foreach (var (target, files) in targets.Zip(places))
        {
            var what = targets.Count == 1 ? "" : $"[{spectra.Count + 1}/{targets.Count}] {target.Name}: ";
            try
            {
                using var model = await ModelOptions.LoadAsync(
                    target.Model,
                    new ModelLoadOptions { Weights = target.Weights, ImageSize = size, WindowSize = options.GetValue(Window), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
                    error, what, cancellationToken);
                spectra.Add(await OneAsync(options, model, images, settings, files, what, cancellationToken));
            }
            catch (OperationCanceledException) when (File.Exists(files.Partial) || spectra.Count > 0)
            {
                await error.WriteLineAsync($"spectralkd: stopped; what was computed is in {folder}: the same command with --resume goes on");
                return CommandLine.Stopped;
            }
        }

        if (targets.Count == 1)
        {
            options.Print(() => places[0].Words(spectra[0]), () => places[0].Figures(spectra[0]));
            return 0;
        }

        // In chart and table of all each is called by what tells it from the others.
        var named = spectra.Zip(targets, (spectrum, target) => spectrum with { Model = target.Name }).ToList();
        var (table, chart) = (Path.Combine(folder, "blocks.csv"), Path.Combine(folder, "u-curve.html"));
        AtomicFile.WriteText(table, Joined([.. named.Select(spectrum => spectrum.ToDataFrame().ToCsv())], [.. targets.Select(target => target.Name)]));
        AtomicFile.WriteText(chart, ChartHtml.Page("U-curves", Charts.UCurve(named)));
        options.Print(
            () => string.Join(Environment.NewLine, named.Select(spectrum => $"{spectrum.Title}: {spectrum.Blocks.Length} blocks, {spectrum.Images} images, {spectrum.UShape.Words}").Append(table).Append(chart)),
            () => new { Files = new[] { table, chart }, Spectra = spectra.Select((spectrum, i) => places[i].Figures(spectrum, targets[i].Name)) });
        return 0;
    }

    private static async Task<ModelSpectrum> OneAsync(
        ParseResult options, VisionModel model, IImageSource files, SpectralOptions settings, SpectrumFiles place, string what, CancellationToken cancellationToken)
    {
        var error = options.InvocationConfiguration.Error;
        var images = await ModelOptions.ReadyAsync(model, files, settings.Precision, options.GetValue(Cache), error, cancellationToken);
        settings = settings with { Layers = LayerList.Parse(options.GetRequiredValue(Layers), model.Blocks.Count), ResumeFile = place.Partial };
        if (options.GetValue(Resume) && File.Exists(place.Spectrum))
        {
            var there = ModelSpectrum.Load(place.Spectrum);
            SpectralAnalysis.RequireSame(there, place.Spectrum, model, images, settings);
            await error.WriteLineAsync($"note: {what}complete already: {place.Spectrum}");
            return there;
        }

        var told = images.Notes;
        var spectrum = SpectralAnalysis.Run(model, images, settings, new ProgressLine(error, what), cancellationToken);
        await ModelOptions.TellAsync(images.Notes.Except(told), error);
        await ModelOptions.TellSkippedAsync(spectrum.Skipped, error);
        place.Write(spectrum);
        return spectrum;
    }

    private static string Joined(IReadOnlyList<string> tables, IReadOnlyList<string> names) => string.Concat(tables.SelectMany((table, i) =>
        table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(i == 0 ? 0 : 1).Select((line, row) => $"{(i == 0 && row == 0 ? "spectrum" : names[i])},{line}\n")));
}

/// <summary>One model with its weights that an analysis is to be made of.</summary>
/// <param name="Model">Its timm name.</param>
/// <param name="Weights">pretrained, seeded, or a file.</param>
/// <param name="Name">What tells it from the others: the folder of its result; empty where it is the only one.</param>
internal sealed record AnalysisTarget(string Model, string Weights, string Name);

/// <summary>Reads what <c>--model</c> and <c>--weights</c> name: one of each, several by commas, or a folder of checkpoints.</summary>
internal static partial class AnalysisTargets
{
    /// <summary>The analyses to make, in the order of the names; checkpoints of a folder by their numbers.</summary>
    /// <param name="models">Names by commas.</param>
    /// <param name="weights">Weights by commas.</param>
    /// <param name="notes">Gets what a folder of checkpoints left out.</param>
    /// <exception cref="SpectralKDException">The lists do not fit together, or a folder holds no weights.</exception>
    public static IReadOnlyList<AnalysisTarget> Of(string models, string weights, List<string> notes)
    {
        var (names, files) = (Listed(models), File.Exists(weights) ? [weights] : Listed(weights).SelectMany(one => Opened(one, notes)).ToList());
        if (names.Count > 1 && files.Count > 1 && names.Count != files.Count)
        {
            throw new SpectralKDException($"--model names {names.Count} models and --weights {files.Count}: give one model, one kind of weights, or as many of the one as of the other");
        }

        var pairs = Enumerable.Range(0, Math.Max(names.Count, files.Count)).Select(i => (Model: names[names.Count == 1 ? 0 : i], Weights: files[files.Count == 1 ? 0 : i])).ToList();
        if (pairs.Count == 1)
        {
            return [new AnalysisTarget(pairs[0].Model, pairs[0].Weights, "")];
        }

        List<string> called = names.Count == 1 ? Distinct(files) : names.Distinct().Count() == names.Count ? names : [.. names.Zip(Distinct(files), (model, file) => $"{model}-{file}")];
        return [.. pairs.Zip(called, (pair, name) => new AnalysisTarget(pair.Model, pair.Weights, Unsafe().Replace(name, "-")))];
    }

    private static List<string> Listed(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: > 0 } words ? [.. words]
        : throw new SpectralKDException("--model and --weights name something: a model, pretrained, a file");

    // A folder with a configuration or an index of shards is one model's.
    private static IEnumerable<string> Opened(string weights, List<string> notes)
    {
        if (!Directory.Exists(weights) || Directory.EnumerateFiles(weights, "*.json").Any(file => Path.GetFileName(file) is "config.json" || file.EndsWith(".index.json", StringComparison.Ordinal)))
        {
            return [weights];
        }

        var folder = CheckpointFolder.Open(weights);
        notes.AddRange(folder.Notes);
        return folder.Checkpoints.Select(checkpoint => checkpoint.Weights);
    }

    // The files' names without what all of them have; the folder's name too where two are called alike.
    private static List<string> Distinct(IReadOnlyList<string> files)
    {
        for (var depth = 1; depth < 8; depth++)
        {
            var names = files.Select(file => string.Join('-', CheckpointFolder.WithoutEnding(file).Split('/', '\\').TakeLast(depth))).ToList();
            if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() == names.Count)
            {
                return names;
            }
        }

        throw new SpectralKDException("--weights names the same file twice");
    }

    [GeneratedRegex(@"[^\w.+-]+")]
    private static partial Regex Unsafe();
}
