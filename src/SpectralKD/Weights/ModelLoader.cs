using System.Globalization;
using SpectralKD.Models;
using SpectralKD.Native;
using TorchSharp;

namespace SpectralKD.Weights;

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary><c>pretrained</c>, <c>seeded</c> or <c>seeded:N</c> (timm's initialisation), or a file of weights.</summary>
    public string Weights { get; init; } = "pretrained";

    /// <summary>Number of classes; where it differs from the weights' the head is made afresh. Null: the model's own.</summary>
    public int? Classes { get; init; }

    /// <summary>Side of the input images in pixels. Null: the model's own.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Device to put the model on. Null: the default one.</summary>
    public torch.Device? Device { get; init; }
}

/// <summary>Loads models by their timm name.</summary>
public static class ModelLoader
{
    /// <summary>Creates a model in evaluation mode and fills it with weights.</summary>
    /// <param name="name">timm name, for example <c>deit_tiny_patch16_224</c>.</param>
    /// <param name="options">Weights, classes, image size, device; null: the defaults.</param>
    /// <param name="progress">Hears of a download.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <exception cref="SpectralKDException">Unknown name, weights that do not fit or cannot be had, no such device.</exception>
    public static Task<VisionModel> LoadAsync(
        string name, ModelLoadOptions? options = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new ModelLoadOptions();
        var model = ModelCatalog.Create(name, options.Classes, options.ImageSize, Seed(name, options.Weights));
        if (!IsSeeded(options.Weights))
        {
            using var weights = SafetensorsFile.Open(options.Weights);
            WeightLoader.Load(model, weights, new LoadOptions { AllowHeadMismatch = options.Classes is not null });
        }

        model.eval();
        return Task.FromResult((VisionModel)model.to(options.Device ?? Devices.Default));
    }

    private static bool IsSeeded(string weights) => weights == "seeded" || weights.StartsWith("seeded:", StringComparison.Ordinal);

    private static long Seed(string name, string weights) => weights switch
    {
        "seeded" => 0,
        "pretrained" => throw new SpectralKDException($"pretrained weights of {name} cannot be downloaded yet: use seeded, or a .safetensors file"),
        _ when !IsSeeded(weights) => 0,
        _ => long.TryParse(weights["seeded:".Length..], NumberStyles.Integer, CultureInfo.InvariantCulture, out var seed) ? seed
            : throw new SpectralKDException($"\"{weights}\" names no seed: write seeded or seeded:N with a whole number N"),
    };
}

/// <summary>How far a download is.</summary>
/// <param name="BytesDone">Bytes there.</param>
/// <param name="BytesTotal">Bytes in all; null where unknown.</param>
public readonly record struct DownloadProgress(long BytesDone, long? BytesTotal);
