using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Weights;

/// <summary>
/// A folder of <c>config.json</c> and <c>model.safetensors</c>, as Hugging Face's <c>save_pretrained</c> writes it and <c>timm.create_model("local-dir:FOLDER",
/// pretrained=True)</c> opens it.
/// </summary>
internal static class ModelFolder
{
    /// <summary>What stands before a folder in a model's name, as in timm.</summary>
    public const string Scheme = "local-dir:";

    private const string ConfigName = "config.json";
    private const string OwnKey = "spectralkd_model"; // the catalogue's name, where timm has none
    private const long LargestConfig = 16 << 20;
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes both files; the weights first, so that a folder with a configuration is whole.</summary>
    /// <exception cref="SpectralKDException">timm has no such model, or the folder cannot be written.</exception>
    public static void Write(VisionModel model, string folder)
    {
        var config = ConfigOf(model);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot make the folder '{folder}': {error.Message}", error);
        }

        ModelLoader.Save(model, Path.Combine(folder, WeightFileNames.InOrder[0]));
        AtomicFile.Write(Path.Combine(folder, ConfigName), stream => JsonSerializer.Serialize(stream, config, Json));
    }

    /// <summary>The catalogue's model of a folder, with the folder's image size, classes and preprocessing.</summary>
    /// <exception cref="SpectralKDException">There is no configuration, it is damaged, or it is of a model that the catalogue does not have.</exception>
    public static ModelSpec Read(string folder)
    {
        var path = Path.Combine(folder, ConfigName);
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length > LargestConfig)
            {
                throw new SpectralKDException($"the folder '{folder}' has no {ConfigName} that says which model it holds; name the model, and the folder as its weights");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return SpecOf(document.RootElement, path);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new SpectralKDException($"'{path}' is damaged: {error.Message.Split('\n')[0]}; fetch or save the folder again", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot read '{path}': {error.Message}", error);
        }
    }

    private static ModelSpec SpecOf(JsonElement root, string path)
    {
        var name = Text(root, OwnKey) ?? Text(root, "architecture")
            ?? throw new SpectralKDException($"'{path}' is no timm configuration: it has no \"architecture\"{(Text(root, "model_type") is { } type ? $" (a transformers model of type {type}: name the model, and the folder as its weights)" : "")}");
        var spec = ModelCatalog.Find(name).Spec;
        var settings = root.TryGetProperty("pretrained_cfg", out var nested) ? nested : root;
        var size = settings.TryGetProperty("input_size", out var input) ? input.EnumerateArray().Select(length => length.GetInt32()).ToArray() : null;
        return spec with
        {
            ImageSize = size is [_, var height, var width] ? new ImageSize(height, width) : spec.ImageSize,
            Classes = Number(root, "num_classes") ?? Number(settings, "num_classes") ?? spec.Classes,
            Preprocessing = spec.Preprocessing with
            {
                CropFraction = settings.TryGetProperty("crop_pct", out var crop) && crop.ValueKind == JsonValueKind.Number ? crop.GetDouble() : spec.Preprocessing.CropFraction,
                Squash = Text(settings, "crop_mode") is { } mode ? mode == "squash" : spec.Preprocessing.Squash,
                Mean = Triple(settings, "mean") ?? spec.Preprocessing.Mean,
                Std = Triple(settings, "std") ?? spec.Preprocessing.Std,
            },
        };
    }

    private static JsonObject ConfigOf(VisionModel model)
    {
        var spec = model.Spec;
        var published = ModelCatalog.All.FirstOrDefault(entry => entry.Name == spec.Name && entry.Published.Any(weights => weights.Repository is not null));
        var built = published is null ? spec.TimmConstruction : new TimmConstruction(spec.Name, new Dictionary<string, object>());
        if (built is null)
        {
            throw new SpectralKDException($"timm has no {spec.Name}, so {ConfigName} cannot name it; save the weights alone (ModelLoader.Save, a file that ends in .safetensors)");
        }

        var arguments = new JsonObject();
        foreach (var (key, value) in built.Arguments)
        {
            arguments[key] = JsonSerializer.SerializeToNode(value);
        }

        if (spec.TimmTakesImageSize && (published is null || spec.ImageSize != published.Spec.ImageSize))
        {
            arguments["img_size"] = spec.ImageSize.IsSquare ? spec.ImageSize.Height : new JsonArray(spec.ImageSize.Height, spec.ImageSize.Width);
        }

        var keys = model.state_dict().Keys.ToHashSet(StringComparer.Ordinal);
        var config = new JsonObject
        {
            ["architecture"] = built.Architecture,
            ["num_classes"] = spec.Classes,
            ["num_features"] = spec.ListBlocks()[^1].Channels,
            ["model_args"] = arguments,
            ["pretrained_cfg"] = new JsonObject
            {
                ["custom_load"] = false,
                ["input_size"] = new JsonArray(3, spec.ImageSize.Height, spec.ImageSize.Width),
                ["fixed_input_size"] = true,
                ["interpolation"] = "bicubic",
                ["crop_pct"] = spec.Preprocessing.CropFraction,
                ["crop_mode"] = spec.Preprocessing.Squash ? "squash" : "center",
                ["mean"] = Numbers(spec.Preprocessing.Mean),
                ["std"] = Numbers(spec.Preprocessing.Std),
                ["num_classes"] = spec.Classes,
                ["first_conv"] = spec.FirstParameter.Key.Replace(".weight", "", StringComparison.Ordinal),
                ["classifier"] = keys.Contains("head_dist.weight") ? new JsonArray("head", "head_dist") : keys.Contains("head.fc.weight") ? "head.fc" : "head",
            },
        };
        if (published is null)
        {
            config[OwnKey] = spec.Name;
        }

        return config;
    }

    // Float32 with the fewest digits that read back as the same number: 0.485, not 0.48500001430511475.
    private static JsonArray Numbers(IReadOnlyList<float> values) =>
        [.. values.Select(value => JsonValue.Create(double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)))];

    private static string? Text(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Number(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : null;

    private static float[]? Triple(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 3 ? [.. value.EnumerateArray().Select(number => number.GetSingle())] : null;
}
