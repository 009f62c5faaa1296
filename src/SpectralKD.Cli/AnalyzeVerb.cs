using System.CommandLine;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary><c>spectralkd analyze</c>: what <c>#!spectral-model</c>, <c>-images</c> and <c>-analyze</c> do, for scripts and schedulers.</summary>
internal static class AnalyzeVerb
{
    private const int MostSkippedShown = 10;

    private static readonly Option<string> Model = new("--model") { Description = "timm name, for example deit_tiny_patch16_224", Required = true };
    private static readonly Option<string> Weights = new("--weights")
    {
        Description = "pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file (#ema or #plain after its path: averaged or last weights)",
        DefaultValueFactory = _ => "pretrained",
    };

    private static readonly Option<string?> Size = new("--image-size") { Description = "Side of the input images in pixels, or height x width such as 224x160 [the model's own]", HelpName = "SIZE" };
    private static readonly Option<int?> Window = new("--window") { Description = "Side of the attention windows in patches, for Swin [the model's own]" };
    private static readonly Option<string> Images = new("--images") { Description = "textures, or a folder or zip in ImageFolder layout", Required = true };
    private static readonly Option<int?> Count = new("--count") { Description = "How many images to take [textures: 500, others: all]" };
    private static readonly Option<SpectralDomain> Domain = new Option<SpectralDomain>("--domain")
    {
        Description = "Fourier transform over space, over channels, or both",
        DefaultValueFactory = _ => SpectralDomain.Spatial,
    }.AcceptOnlyFromAmong("spatial", "channel", "both");

    private static readonly Option<MapPoint> At = new Option<MapPoint>("--at")
    {
        Description = "Where in each block: the residual stream after it, the attention branch, the MLP branch, or the stream between them",
        DefaultValueFactory = _ => MapPoint.Resid,
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

    private static readonly Option<string?> Cache = new("--image-cache") { Description = "Folder of the decoded images, made where it is missing" };
    private static readonly Option<string?> Device = new("--device") { Description = "auto, cpu, cuda, cuda:N [auto]" };
    private static readonly Option<string> Output = new("--out") { Description = "Folder for blocks.csv, spectrum.json and u-curve.html", Required = true };

    public static Command Create()
    {
        var command = new Command("analyze", "Takes the spectrum of every block of a model over a set of images")
        {
            Model, Weights, Size, Window, Images, Count, Domain, At, Layers, Batch, Shard, EntropyRange, Precision, Cache, Device, Output,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var console = options.InvocationConfiguration;
        // What is typed wrong is said before a model is loaded.
        var shard = options.GetValue(Shard) is { } part ? DataShard.Parse(part) : null;
        var range = options.GetValue(EntropyRange) is { } bounds ? ActivationRange.Parse(bounds) : null;
        var size = options.GetValue(Size) is { } sides ? ImageSize.Parse(sides) : (ImageSize?)null;
        var images = ImageSources.Open(options.GetRequiredValue(Images), options.GetValue(Count));
        await TellAsync(images.Notes);

        using var model = await ModelLoader.LoadAsync(
            options.GetRequiredValue(Model),
            new ModelLoadOptions { Weights = options.GetRequiredValue(Weights), ImageSize = size, WindowSize = options.GetValue(Window), Device = Devices.Parse(options.GetValue(Device) ?? "auto") },
            cancellationToken: cancellationToken);
        foreach (var line in model.Origin.Lines)
        {
            await console.Error.WriteLineAsync($"{model.Spec.Name}: {line}");
        }

        if (options.GetValue(Precision) == ModelPrecision.Bf16 && FastBFloat16.Remark(model.parameters().First().device) is { } slow)
        {
            await TellAsync([slow]);
        }

        var files = images;
        if (options.GetValue(Cache) is { } folder)
        {
            images = ImageCache.Open(
                files, folder, model.Spec.Preprocessing.ResizeTo(model.Spec.ImageSize), new DecodingLine(console.Error), cancellationToken);
            await TellAsync(images.Notes.Except(files.Notes));
        }

        var told = images.Notes;
        var settings = new SpectralOptions
        {
            Domain = options.GetValue(Domain),
            At = options.GetValue(At),
            Layers = LayerList.Parse(options.GetRequiredValue(Layers), model.Blocks.Count),
            BatchSize = options.GetValue(Batch),
            Precision = options.GetValue(Precision),
            Shard = shard,
            EntropyRange = range,
        };
        if (settings is { Shard: not null, EntropyRange: null } && settings.Domain.HasFlag(SpectralDomain.Channel))
        {
            await console.Error.WriteLineAsync(
                "this part's activation entropy is counted over its own range and will not merge with other parts': give all parts one --entropy-range");
        }

        var spectrum = SpectralAnalysis.Run(model, images, settings, new ProgressLine(console.Error), cancellationToken);
        await TellAsync(images.Notes.Except(told));
        foreach (var skipped in spectrum.Skipped.Take(MostSkippedShown))
        {
            await console.Error.WriteLineAsync($"left out: {skipped}");
        }

        if (spectrum.Skipped.Length > MostSkippedShown)
        {
            await console.Error.WriteLineAsync(FormattableString.Invariant(
                $"left out: {spectrum.Skipped.Length - MostSkippedShown} more, {spectrum.Skipped.Length} in all (spectrum.json names each)"));
        }

        SpectrumFiles.Write(spectrum, options.GetRequiredValue(Output), console.Output);
        return 0;

        async Task TellAsync(IEnumerable<string> notes)
        {
            foreach (var note in notes)
            {
                await console.Error.WriteLineAsync($"note: {note}");
            }
        }
    }
}
