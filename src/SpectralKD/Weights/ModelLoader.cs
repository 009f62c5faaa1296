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
            : throw new SpectralKDException($"{entry.Name} has no published weights; use weights seeded, seeded:N or a file"));
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
            model.Origin = model.Origin with { Kind = place.Kind, Name = place.Name, Revision = place.Revision, Source = place.Source };
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
