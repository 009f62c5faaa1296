using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using TorchSharp;

namespace SpectralKD.Weights;

/// <summary>
/// The one way from a timm name to a model that is ready to use; <c>#!spectral-model</c> and the command line take it too.
/// </summary>
/// <example><code>
/// using var model = ModelLoader.Load("deit_tiny_patch16_224");   // published weights, from the hub or its cache
/// using var student = ModelLoader.Load("deit_nano_patch4_32", new ModelLoadOptions { Weights = "seeded:3", Classes = 10 });
/// using var mine = ModelLoader.Load("cait_xxs24_224", new ModelLoadOptions { Weights = "runs/7/best.safetensors" });
/// </code></example>
public static class ModelLoader
{
    /// <summary>Builds a model, fills it with weights and puts it on a device, in evaluation mode.</summary>
    /// <param name="name">timm name, with or without tag, as <see cref="ModelCatalog.Find"/> takes it; or <c>local-dir:FOLDER</c>, as timm takes it (see <see cref="SavePretrained"/>).</param>
    /// <param name="options">Weights, classes, image size, device; null: the defaults.</param>
    /// <param name="progress">Hears of a download.</param>
    /// <param name="cancellationToken">Stops a download; what has arrived is kept for the next attempt.</param>
    /// <exception cref="SpectralKDException">No such model or device, or the weights cannot be had or do not fit.</exception>
    public static async Task<VisionModel> LoadAsync(
        string name, ModelLoadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new ModelLoadOptions();
        ArgumentNullException.ThrowIfNull(name);
        if (name.Trim() is var trimmed && trimmed.StartsWith(ModelFolder.Scheme, StringComparison.Ordinal))
        {
            var folder = trimmed[ModelFolder.Scheme.Length..];
            var saved = ModelFolder.Read(folder);
            saved = (options.WindowSize is { } side ? saved.WithWindow(side) : saved) with { ImageSize = options.ImageSize ?? saved.ImageSize };
            var own = options with { Weights = options.Weights == new ModelLoadOptions().Weights ? folder : options.Weights };
            return WeightSource.Parse(own.Weights) is WeightSource.LocalFile local
                ? Ready(FromFile(saved, new WeightsPlace(local.Path, WeightsKind.File, local.FullName, Part: local.Wanted), own), own)
                : throw new SpectralKDException($"'{trimmed}' has its own weights; to take others ({options.Weights}) name the model itself: {saved.Name}");
        }

        var entry = ModelCatalog.Find(name);
        var known = options.WindowSize is { } window ? entry.Spec.WithWindow(window) : entry.Spec;
        var spec = known with
        {
            ImageSize = options.ImageSize ?? entry.Spec.ImageSize,
            Classes = options.Classes ?? entry.Spec.Classes,
        };
        var source = WeightSource.Parse(options.Weights);
        if (source is WeightSource.Seeded seeded)
        {
            return Ready(ModelCatalog.Create(spec, seeded.Seed), options);
        }

        var place = await PlaceOfAsync(entry, source, progress, cancellationToken).ConfigureAwait(false);
        return Ready(FromFile(spec, place, options), options);
    }

    /// <summary>As <see cref="LoadAsync"/>, waiting for it.</summary>
    /// <inheritdoc cref="LoadAsync"/>
    public static VisionModel Load(
        string name, ModelLoadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => LoadAsync(name, options, progress, cancellationToken), cancellationToken).GetAwaiter().GetResult();

    /// <summary>Writes a model's weights as safetensors with timm's keys; <c>timm.create_model(…, checkpoint_path=…)</c> loads them.</summary>
    /// <param name="model">The model, on any device.</param>
    /// <param name="path">The file; it appears complete or not at all.</param>
    /// <exception cref="SpectralKDException">The file cannot be written.</exception>
    public static void Save(VisionModel model, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, model.state_dict());
    }

    /// <summary>
    /// Writes a folder of <c>config.json</c> and <c>model.safetensors</c>, which <c>timm.create_model("local-dir:FOLDER", pretrained=True)</c> opens, and
    /// <c>ModelLoader.Load("local-dir:FOLDER")</c> too.
    /// </summary>
    /// <param name="model">The model, on any device.</param>
    /// <param name="folder">The folder; files of these names in it are replaced.</param>
    /// <exception cref="SpectralKDException">timm has no such model, or the folder cannot be written.</exception>
    public static void SavePretrained(VisionModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(folder);
        ModelFolder.Write(model, folder);
    }

    private static async Task<WeightsPlace> PlaceOfAsync(
        ModelCatalogEntry entry, WeightSource source, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        if (source is WeightSource.LocalFile file)
        {
            return new WeightsPlace(file.Path, WeightsKind.File, file.FullName, Part: file.Wanted);
        }

        if (source is WeightSource.Pretrained && entry.Weights is { Repository: null } embedded)
        {
            var name = $"{entry.Name}.{embedded.Tag}";
            return new WeightsPlace(EmbeddedWeights.PathOf(name), WeightsKind.Embedded, name);
        }

        var hub = source as WeightSource.Hub ?? (entry.Weights?.Repository is { } repository
            ? new WeightSource.Hub(repository)
            : throw new SpectralKDException($"{entry.Name} has no published weights{(entry.Elsewhere is { } where ? $" on a hub ({where})" : "")}; use weights seeded, seeded:N or a file"));
        var path = await HubWeights.FindAsync(hub.Repository, hub.Revision, progress, cancellation).ConfigureAwait(false);
        return new WeightsPlace(path, WeightsKind.Hub, hub.Repository, HubCache.CommitOf(path));
    }

    private static VisionModel FromFile(ModelSpec spec, WeightsPlace place, ModelLoadOptions options)
    {
        using var file = WeightsFile.Open(place.Path, place.Part, spec);
        var stored = HeadRows.Of(file); // null: a backbone alone, which is enough for spectra
        var model = ModelCatalog.Create(spec with { Classes = options.Classes ?? stored ?? spec.Classes }, seed: null);
        try
        {
            var report = WeightLoader.Load(model, file, new LoadOptions { AllowHeadMismatch = options.Classes is not null || stored is null });
            HeadRows.Fill(model, report.FreshHead);
            model.Origin = model.Origin with
            {
                Kind = place.Kind,
                Name = place.Name,
                Revision = place.Revision,
                Source = place.Source,
                Notes = [.. model.Origin.Notes, .. LicenseNotes(spec.Name, place)],
            };
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    // What was downloaded and may not be used for everything is said whenever it is loaded.
    private static IEnumerable<string> LicenseNotes(string model, WeightsPlace place) =>
        from entry in ModelCatalog.All
        where entry.Name == model && place.Kind == WeightsKind.Hub
        from weights in entry.Published
        where weights.IsNonCommercial && weights.Repository == place.Name
        select $"the licence of these weights is {weights.LicenseWords}";

    private static VisionModel Ready(VisionModel model, ModelLoadOptions options)
    {
        model.eval();
        return (VisionModel)model.to(options.Device ?? Devices.Default);
    }

    /// <summary>Weights on this machine, and what their place is called.</summary>
    private sealed record WeightsPlace(string Path, WeightsKind Kind, string Name, string? Revision = null, string? Part = null)
    {
        /// <summary>What finds the same weights again, from any folder.</summary>
        public string Source => Kind switch
        {
            WeightsKind.Embedded => "pretrained",
            WeightsKind.Hub => new WeightSource.Hub(Name, Revision ?? "main").ToString(),
            _ => Name,
        };
    }
}

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>
    /// <c>pretrained</c>, <c>seeded</c> or <c>seeded:N</c> (timm's initialisation), a file of weights, or whatever else
    /// <see cref="WeightSource.Parse"/> takes.
    /// </summary>
    public string Weights { get; init; } = "pretrained";

    /// <summary>Number of classes; where it differs from the weights' the head is made afresh. Null: the weights' own.</summary>
    public int? Classes { get; init; }

    /// <summary>Size of the input images in pixels, a side or height and width; position embeddings are interpolated to it. Null: the model's own.</summary>
    public ImageSize? ImageSize { get; init; }

    /// <summary>Side of the attention windows in patches, for families that have windows (Swin); bias tables are interpolated to it. Null: the model's own.</summary>
    public int? WindowSize { get; init; }

    /// <summary>Device to put the model on. Null: the default one.</summary>
    public Device? Device { get; init; }
}

/// <summary>Where a model's weights come from, as <c>--weights</c> takes it.</summary>
internal abstract partial record WeightSource
{
    private const string HubPrefix = "hf-hub:";
    private const string Averaged = "ema";

    private WeightSource()
    {
    }

    /// <summary>The spellings that <see cref="Parse"/> takes, for messages and completions.</summary>
    public static IReadOnlyList<string> Spellings { get; } =
        ["pretrained", "seeded", "seeded:N", "PATH.safetensors", "FOLDER", "PATH.pth", "PATH.pth#ema", "PATH.pth#plain", "PATH.pth#PART", "hf-hub:ORG/NAME[@REVISION]"];

    /// <summary>The published weights that the catalogue lists for the model's name and tag.</summary>
    public sealed record Pretrained : WeightSource;

    /// <summary>timm's initial weights from a seed.</summary>
    /// <param name="Seed">Any whole number.</param>
    public sealed record Seeded(long Seed) : WeightSource;

    /// <summary>A safetensors file, a PyTorch checkpoint, or what TorchSharp's <c>module.save</c> wrote.</summary>
    /// <param name="Path">The file.</param>
    /// <param name="Ema">True (<c>#ema</c>): averaged weights and nothing else. False: as timm, averaged ones where the file has any.</param>
    /// <param name="Part"><c>plain</c> (<c>#plain</c>): the weights that are no average. Else the name of the part that holds them, or null.</param>
    public sealed record LocalFile(string Path, bool Ema = false, string? Part = null) : WeightSource
    {
        internal string? Wanted => Ema ? Averaged : Part;

        /// <summary>As <see cref="ToString"/>, with the full path.</summary>
        internal string FullName => (this with { Path = System.IO.Path.GetFullPath(Path) }).ToString();

        /// <inheritdoc/>
        public override string ToString() => Path + (Wanted is null ? "" : "#" + Wanted);
    }

    /// <summary>Any repository of the Hugging Face hub that holds <c>model.safetensors</c> or <c>pytorch_model.bin</c>.</summary>
    /// <param name="Repository">For example <c>timm/deit_tiny_patch16_224.fb_in1k</c>.</param>
    /// <param name="Revision">Branch, tag or commit.</param>
    public sealed record Hub(string Repository, string Revision = "main") : WeightSource
    {
        /// <inheritdoc/>
        public override string ToString() => $"{HubPrefix}{Repository}@{Revision}";
    }

    /// <summary>Reads a source from text; whether a file exists is not checked here.</summary>
    /// <param name="text">One of <see cref="Spellings"/>.</param>
    /// <exception cref="SpectralKDException">The text is none of them.</exception>
    public static WeightSource Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new SpectralKDException($"weights '{text}' are no path: they hold a character of the code 0");
        }

        return text.ToLowerInvariant() switch
        {
            "pretrained" => new Pretrained(),
            "seeded" => new Seeded(0),
            var t when t.StartsWith("seeded:", StringComparison.Ordinal) => new Seeded(ParseSeed(text)),
            var t when t.StartsWith(HubPrefix, StringComparison.Ordinal) => ParseHub(text[HubPrefix.Length..]),
            _ when PartPattern().Match(text) is { Success: true } match && !File.Exists(text) && LooksLikeFile(match.Groups[1].Value) =>
                OfPart(match.Groups[1].Value, match.Groups[2].Value),
            _ when LooksLikeFile(text) => new LocalFile(text),
            _ => throw new SpectralKDException($"weights '{text}'{NearestName.Suggestion(text, ["pretrained", "seeded"])} are neither a file nor one of {string.Join(", ", Spellings)}"),
        };
    }

    private static LocalFile OfPart(string path, string part) => part.ToLowerInvariant() switch
    {
        Averaged => new LocalFile(path, Ema: true),
        "plain" => new LocalFile(path, Part: "plain"),
        _ => new LocalFile(path, Part: part),
    };

    private static bool LooksLikeFile(string text) =>
        Path.Exists(text) || Path.HasExtension(text) || text.Contains('/', StringComparison.Ordinal) || text.Contains('\\', StringComparison.Ordinal);

    private static long ParseSeed(string text) =>
        long.TryParse(text["seeded:".Length..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seed)
            ? seed
            : throw new SpectralKDException($"weights '{text}' name no whole number as seed; write for example seeded:3");

    private static Hub ParseHub(string text)
    {
        var parts = text.Split('@', 2);
        return parts[0].Count(c => c == '/') == 1 && !parts[0].StartsWith('/') && !parts[0].EndsWith('/')
            ? new Hub(parts[0], parts.Length == 2 && parts[1].Length > 0 ? parts[1] : "main")
            : throw new SpectralKDException($"'{HubPrefix}{text}' names no repository; write for example {HubPrefix}timm/deit_tiny_patch16_224.fb_in1k");
    }

    [GeneratedRegex(@"^(.+)#([A-Za-z0-9_.]+)$")]
    private static partial Regex PartPattern();
}

/// <summary>
/// Small trained weights that this library carries, so that everything runs offline with models that have learnt something. Made by the recipes of
/// <see cref="Distillation.RecipeLibrary"/>, stored as float16.
/// </summary>
internal static class EmbeddedWeights
{
    private const string Prefix = "SpectralKD.Weights.Embedded.";
    private const string Suffix = ".safetensors";

    /// <summary>Names with tags, as timm writes them, for example <c>deit_nano_patch8_64.textures</c>.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(EmbeddedWeights).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length]),
    ];

    /// <summary>Embedded weights as a file in the cache folder, written there on first use.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="SpectralKDException">There are none of that name, or the cache folder cannot be written.</exception>
    internal static string PathOf(string name)
    {
        using var resource = typeof(EmbeddedWeights).Assembly.GetManifestResourceStream(Prefix + name + Suffix)
            ?? throw new SpectralKDException($"this library carries no weights {name}, but {string.Join(", ", Names)}");
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        var path = CacheFolder.For("weights", Convert.ToHexString(SHA256.HashData(content))[..16], name + Suffix);
        if (!Holds(path, content))
        {
            AtomicFile.Write(path, stream => stream.Write(content));
        }

        return path;
    }

    /// <summary>True if a file holds exactly this content; one that was changed in the cache is written again.</summary>
    internal static bool Holds(string path, byte[] content)
    {
        try
        {
            return File.Exists(path) && new FileInfo(path).Length == content.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
