using SpectralKD.Models;
using SpectralKD.Native;
using SpectralKD.Weights.Hub;
using TorchSharp;
using static TorchSharp.torch;

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
    /// <param name="name">timm name, with or without tag, as <see cref="ModelCatalog.Find"/> takes it.</param>
    /// <param name="options">Weights, classes, image size, device; null: the defaults.</param>
    /// <param name="progress">Hears of a download.</param>
    /// <param name="cancellationToken">Stops a download; what has arrived is kept for the next attempt.</param>
    /// <exception cref="SpectralKDException">No such model or device, or the weights cannot be had or do not fit.</exception>
    public static async Task<VisionModel> LoadAsync(
        string name, ModelLoadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new ModelLoadOptions();
        var entry = ModelCatalog.Find(name);
        var spec = entry.Spec with
        {
            ImageSize = options.ImageSize ?? entry.Spec.ImageSize,
            Classes = options.Classes ?? entry.Spec.Classes,
        };
        var source = WeightSource.Parse(options.Weights);
        if (source is WeightSource.Seeded seeded)
        {
            return Ready(ModelCatalog.Create(spec, seeded.Seed), options);
        }

        var (path, ema) = await PathOfAsync(entry, source, progress, cancellationToken).ConfigureAwait(false);
        return Ready(FromFile(spec, path, ema, options), options);
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

    private static async Task<(string Path, bool Ema)> PathOfAsync(
        ModelCatalogEntry entry, WeightSource source, IProgress<DownloadProgress>? progress, CancellationToken cancellation)
    {
        if (source is WeightSource.LocalFile file)
        {
            return (file.Path, file.Ema);
        }

        if (source is WeightSource.Pretrained && entry.Weights is { Repository: null } embedded)
        {
            return (EmbeddedWeights.PathOf($"{entry.Name}.{embedded.Tag}"), false);
        }

        var hub = source as WeightSource.Hub ?? (entry.Weights?.Repository is { } repository
            ? new WeightSource.Hub(repository)
            : throw new SpectralKDException($"{entry.Name} has no published weights; use weights seeded, seeded:N or a file"));
        return (await HubWeights.FindAsync(hub.Repository, hub.Revision, progress, cancellation).ConfigureAwait(false), false);
    }

    private static VisionModel FromFile(ModelSpec spec, string path, bool ema, ModelLoadOptions options)
    {
        using var file = WeightsFile.Open(path, ema);
        var model = ModelCatalog.Create(spec with { Classes = options.Classes ?? HeadRows.Of(file) ?? spec.Classes }, seed: null);
        try
        {
            var report = WeightLoader.Load(model, file, new LoadOptions { AllowHeadMismatch = options.Classes is not null });
            HeadRows.Fill(model, report.FreshHead);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static VisionModel Ready(VisionModel model, ModelLoadOptions options)
    {
        model.eval();
        return (VisionModel)model.to(options.Device ?? Devices.Default);
    }
}
