using System.CommandLine;
using SpectralKD.Interactive;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd analyze</c>: what <c>#!spectral-model</c>, <c>-images</c> and <c>-analyze</c> do, for scripts and schedulers.</summary>
internal static class AnalyzeVerb
{
    private const int MostSkippedShown = 10;

    private static readonly Option<string> Model = new("--model") { Description = "timm name, for example deit_tiny_patch16_224; several by commas", Required = true, HelpName = "NAME" };
    private static readonly Option<string> Weights = new("--weights")
    {
        Description = "pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file (#ema or #plain after its path: averaged or last weights); several by commas, or a folder of checkpoints",
        DefaultValueFactory = _ => "pretrained",
        HelpName = "WEIGHTS",
    };

    private static readonly Option<string?> Size = new("--image-size") { Description = "Side of the input images in pixels, or height x width such as 224x160 [the model's own]", HelpName = "SIZE" };
    private static readonly Option<int?> Window = new("--window") { Description = "Side of the attention windows in patches, for Swin [the model's own]" };
    private static readonly Option<string> Images = new("--images") { Description = ImageSources.Words, Required = true, HelpName = "SOURCE" };
    private static readonly Option<int?> Count = new("--count") { Description = "How many images to take [textures: 500, others: all]" };
    private static readonly Option<SpectralDomain?> Domain = new Option<SpectralDomain?>("--domain")
    {
        Description = "Fourier transform over space, over channels, or both [spatial]",
    }.AcceptOnlyFromAmong("spatial", "channel", "both");

    private static readonly Option<MapPoint?> At = new Option<MapPoint?>("--at")
    {
        Description = "Where in each block: the residual stream after it, the attention branch, the MLP branch, or the stream between them [resid]",
    }.AcceptOnlyFromAmong("resid", "attn", "mlp", "mid");

    private static readonly Option<string> Layers = new("--layers") { Description = "Blocks: all, or 0,5..8,-1", DefaultValueFactory = _ => "all" };
    private static readonly Option<int?> Batch = new("--batch") { Description = "Images in one forward pass [what suits the model and the device]" };
    private static readonly Option<string?> Shard = new("--shard") { Description = "i/n: only every n-th image from the i-th; merge the parts with spectralkd merge" };
    private static readonly Option<string?> EntropyRange = new("--entropy-range")
    {
        Description = "LOW,HIGH: range of the activation entropy's bins, the same for all parts that are to be merged [the images' own, in a second pass]",
        HelpName = "LOW,HIGH",
    };

    private static readonly Option<ModelPrecision?> Precision = new Option<ModelPrecision?>("--precision")
    {
        Description = "Numbers in which the model computes; the spectra are float64 in any case [float32]",
    }.AcceptOnlyFromAmong("float32", "tf32", "bf16");

    private static readonly Option<bool> PerImage = new("--per-image") { Description = "Keep the intensity of every image: images.csv with image, class, block, intensity" };
    private static readonly Option<string?> Cache = new("--image-cache") { Description = "Folder of the decoded images, made where it is missing" };
    private static readonly Option<string?> Device = new("--device") { Description = "auto, cpu, cuda, cuda:N [auto]", HelpName = "DEVICE" };
    private static readonly Option<string> Output = new("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html; of several models one folder each in it, and the chart and table of all", Required = true, HelpName = "FOLDER" };
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on with the analysis that was stopped or killed in the folder; what is complete stays" };
    private static readonly Option<bool> Force = new("--force") { Description = "Overwrite a result in the folder, or begin a stopped analysis anew" };

    public static Command Create()
    {
        Complete(Model, ModelCatalog.All.Select(entry => entry.Name));
        Complete(Weights, ["pretrained", "seeded", "seeded:0"]);
        Complete(Images, ImageSources.Names);
        Complete(Device, Devices.Names);
        var command = new Command("analyze", "Takes the spectrum of every block of a model over a set of images")
        {
            Model, Weights, Size, Window, Images, Count, Domain, At, Layers, Batch, Shard, EntropyRange, Precision, PerImage, Cache, Device, Output, Resume, Force,
        }.PrintsResults();
        command.SetAction(RunAsync);
        return command;
    }

    private static void Complete(Option option, IEnumerable<string> values)
    {
        if (option.CompletionSources.Count == 0)
        {
            option.CompletionSources.Add([.. values]);
        }
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var error = options.InvocationConfiguration.Error;
        // What is typed wrong, and a folder that cannot be written, is said before a model is loaded.
        var size = options.GetValue(Size) is { } sides ? ImageSize.Parse(sides) : (ImageSize?)null;
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
        await TellAsync(left, error);
        var (folder, force, resume) = (options.GetRequiredValue(Output), options.GetValue(Force), options.GetValue(Resume));
        var places = targets.Select(target => SpectrumFiles.Prepare(Path.Combine(folder, target.Name), force, resume)).ToList();
        var images = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        await TellAsync(images.Notes, error);
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
                using var model = await ModelLoader.LoadAsync(
                    target.Model,
                    new ModelLoadOptions { Weights = target.Weights, ImageSize = size, WindowSize = options.GetValue(Window), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
                    cancellationToken: cancellationToken);
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
        foreach (var line in model.Origin.Lines)
        {
            await error.WriteLineAsync($"{what}{model.Spec.Name}: {line}");
        }

        if (settings.Precision == ModelPrecision.Bf16 && FastBFloat16.Remark(model.parameters().First().device) is { } slow)
        {
            await TellAsync([slow], error);
        }

        var images = files;
        if (options.GetValue(Cache) is { } cache)
        {
            images = ImageCache.Open(files, cache, model.Spec.Preprocessing.ResizeTo(model.Spec.ImageSize), new DecodingLine(error), cancellationToken);
            await TellAsync(images.Notes.Except(files.Notes), error);
        }

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
        await TellAsync(images.Notes.Except(told), error);
        foreach (var skipped in spectrum.Skipped.Take(MostSkippedShown))
        {
            await error.WriteLineAsync($"left out: {skipped}");
        }

        if (spectrum.Skipped.Length > MostSkippedShown)
        {
            await error.WriteLineAsync(FormattableString.Invariant(
                $"left out: {spectrum.Skipped.Length - MostSkippedShown} more, {spectrum.Skipped.Length} in all (spectrum.json names each)"));
        }

        place.Write(spectrum);
        return spectrum;
    }

    private static string Joined(IReadOnlyList<string> tables, IReadOnlyList<string> names) => string.Concat(tables.SelectMany((table, i) =>
        table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(i == 0 ? 0 : 1).Select((line, row) => $"{(i == 0 && row == 0 ? "spectrum" : names[i])},{line}\n")));

    private static async Task TellAsync(IEnumerable<string> notes, TextWriter error)
    {
        foreach (var note in notes)
        {
            await error.WriteLineAsync($"note: {note}");
        }
    }
}
