using System.CommandLine;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Cli;

/// <summary>What verbs that run images through a model have in common: options in one wording with one completion, and what is said of the model and the images.</summary>
internal static class ModelOptions
{
    private const int MostSkippedShown = 10;

    public static Option<string> Model(string name = "--model", string description = "timm name, for example deit_tiny_patch16_224", bool several = false) =>
        new Option<string>(name) { Description = description, Required = true, HelpName = "NAME" }.Completing(ModelCatalog.All.Select(entry => entry.Name)).ReadBy(text => Array.ForEach(several ? text.Split(',') : [text], FindModel));

    /// <param name="name">The option's name.</param>
    /// <param name="before">What comes before its values.</param>
    /// <param name="after">What comes after them.</param>
    public static Option<string> Weights(string name = "--weights", string before = "", string after = "") => new Option<string>(name)
    {
        Description = $"{before}pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file (#ema or #plain after its path: averaged or last weights){after}",
        DefaultValueFactory = _ => "pretrained",
        HelpName = "WEIGHTS",
    }.Completing(["pretrained", "seeded", "seeded:0"]).ReadBy(text => Array.ForEach(File.Exists(text) ? [text] : text.Split(','), one => WeightSource.Parse(one)));

    public static Option<string?> Size(string of = "the input images in pixels", string @default = "the model's own") =>
        new Option<string?>("--image-size") { Description = $"Side of {of}, or height x width such as 224x160 [{@default}]", HelpName = "SIZE" }.ReadBy(text => ImageSize.Parse(text));

    public static Option<int?> Window() => new("--window") { Description = "Side of the attention windows in patches, for Swin [the model's own]" };

    public static Option<string?> Shard(string of = "image") =>
        new Option<string?>("--shard") { Description = $"i/n: only every n-th {of} from the i-th; merge the parts with spectralkd merge" }.ReadBy(text => DataShard.Parse(text));

    public static Option<string?> EntropyRange() => new Option<string?>("--entropy-range")
    {
        Description = "LOW,HIGH: range of the activation entropy's bins, the same for all parts that are to be merged [the images' own, in a second pass]",
        HelpName = "LOW,HIGH",
    }.ReadBy(text => ActivationRange.Parse(text));

    public static Option<ModelPrecision?> Precision() => new Option<ModelPrecision?>("--precision")
    {
        Description = "Numbers in which the model computes; the spectra are float64 in any case [float32]",
    }.AcceptOnlyFromAmong("float32", "tf32", "bf16");

    public static Option<bool> PerImage() => new("--per-image") { Description = "Keep the intensity of every image: images.csv with image, class, block, intensity" };

    public static Option<string?> Cache() => new("--image-cache") { Description = "Folder of the decoded images, made where it is missing" };

    public static Option<string> Images() => new Option<string>("--images") { Description = ImageSources.Words, Required = true, HelpName = "SOURCE" }.Completing(ImageSources.Names).ReadBy(KnowImages);

    public static Option<int?> Count() => new Option<int?>("--count") { Description = "How many images to take [textures: 500, others: all]" }.AtLeastOne();

    public static Option<SpectralDomain?> Domain() =>
        new Option<SpectralDomain?>("--domain") { Description = "Fourier transform over space, over channels, or both [spatial]" }.AcceptOnlyFromAmong("spatial", "channel", "both");

    public static Option<MapPoint?> At() => new Option<MapPoint?>("--at")
    {
        Description = "Where in each block: the residual stream after it, the attention branch, the MLP branch, or the stream between them [resid]",
    }.AcceptOnlyFromAmong("resid", "attn", "mlp", "mid");

    public static Option<string> Layers() => new Option<string>("--layers") { Description = "Blocks: all, or 0,5..8,-1", DefaultValueFactory = _ => "all" }.ReadBy(text => LayerList.Parse(text, 1000));

    public static Option<int?> Batch() => new Option<int?>("--batch") { Description = "Images in one forward pass [what suits the model and the device]" }.AtLeastOne();

    public static Option<string?> Device(string @default = "auto") => new Option<string?>("--device") { Description = $"auto, cpu, cuda, cuda:N [{@default}]", HelpName = "DEVICE" }.Completing(Devices.Names).ReadBy(Devices.RequireName);

    public static Option<bool> Force() => new("--force") { Description = "Overwrite a result in the folder" };

    public static Option<string> Folder(string description) => new("--out") { Description = description, Required = true, HelpName = "FOLDER" };

    /// <summary>The size that was typed; null for the model's own.</summary>
    public static ImageSize? SizeIn(ParseResult options, Option<string?> size) => options.GetValue(size) is { } sides ? ImageSize.Parse(sides) : null;

    /// <summary>Loads a model and says on stderr where its weights came from.</summary>
    /// <param name="name">timm name.</param>
    /// <param name="load">Weights, sizes and so on.</param>
    /// <param name="error">stderr.</param>
    /// <param name="what">Which of several models it is; empty for one.</param>
    /// <param name="cancellation">Stops a download.</param>
    public static async Task<VisionModel> LoadAsync(string name, ModelLoadOptions load, TextWriter error, string what = "", CancellationToken cancellation = default)
    {
        var model = await ModelLoader.LoadAsync(name, load, cancellationToken: cancellation);
        foreach (var line in model.Origin.Lines)
        {
            await error.WriteLineAsync($"{what}{model.Spec.Name}: {line}");
        }

        return model;
    }

    /// <summary>The images as a model will get them: through the cache where one is named. What that leaves out, and numbers that are slow here, are said on stderr.</summary>
    /// <param name="model">The model.</param>
    /// <param name="files">The images.</param>
    /// <param name="precision">Numbers to compute in.</param>
    /// <param name="cache">The cache's folder; null for none.</param>
    /// <param name="error">stderr.</param>
    /// <param name="cancellation">Stops the decoding.</param>
    public static async Task<IImageSource> ReadyAsync(VisionModel model, IImageSource files, ModelPrecision? precision, string? cache, TextWriter error, CancellationToken cancellation)
    {
        if (precision == ModelPrecision.Bf16 && FastBFloat16.Remark(model.parameters().First().device) is { } slow)
        {
            await TellAsync([slow], error);
        }

        if (cache is null)
        {
            return files;
        }

        var images = ImageCache.Open(files, cache, model.Spec.Preprocessing.ResizeTo(model.Spec.ImageSize), new DecodingLine(error), cancellation);
        await TellAsync(images.Notes.Except(files.Notes), error);
        return images;
    }

    /// <summary>Says notes on stderr, a line each.</summary>
    public static async Task TellAsync(IEnumerable<string> notes, TextWriter error)
    {
        foreach (var note in notes)
        {
            await error.WriteLineAsync($"note: {note}");
        }
    }

    /// <summary>Names the first images that were left out, and how many more there were.</summary>
    /// <param name="skipped">Why each was left out.</param>
    /// <param name="error">stderr.</param>
    /// <param name="all">Where all are named.</param>
    public static async Task TellSkippedAsync(IReadOnlyList<string> skipped, TextWriter error, string all = "spectrum.json names each")
    {
        foreach (var one in skipped.Take(MostSkippedShown))
        {
            await error.WriteLineAsync($"left out: {one}");
        }

        if (skipped.Count > MostSkippedShown)
        {
            await error.WriteLineAsync(FormattableString.Invariant($"left out: {skipped.Count - MostSkippedShown} more, {skipped.Count} in all ({all})"));
        }
    }

    /// <summary>Whether a word is a name and no path of a file or folder: that there is no such file is no error of usage.</summary>
    public static bool IsName(string word) => !word.AsSpan().ContainsAny("/\\.") && !Path.Exists(word);

    /// <summary>Refuses what is neither the name of a source nor a path.</summary>
    public static void KnowImages(string source)
    {
        if (IsName(source) && !ImageSources.Names.Contains(source, StringComparer.OrdinalIgnoreCase))
        {
            ImageSources.Open(source);
        }
    }

    private static void FindModel(string name)
    {
        if (!name.TrimStart().StartsWith(ModelFolder.Scheme, StringComparison.Ordinal))
        {
            ModelCatalog.Find(name);
        }
    }

    private static Option<T> Completing<T>(this Option<T> option, IEnumerable<string> values)
    {
        option.CompletionSources.Add([.. values]);
        return option;
    }
}
