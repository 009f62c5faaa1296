using System.Security.Cryptography;

namespace SpectralKD.Weights;

/// <summary>
/// Small trained weights that this library carries, so that everything runs offline with models that have learnt something. Made by the recipes of
/// <see cref="Distillation.RecipeLibrary"/>, stored as float16.
/// </summary>
public static class EmbeddedWeights
{
    private const string Prefix = "SpectralKD.Weights.Embedded.";
    private const string Suffix = ".safetensors";

    /// <summary>timm names of the models that have embedded weights.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(EmbeddedWeights).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length]),
    ];

    /// <summary>A model's embedded weights as a file in the cache folder, written there on first use; null where it has none.</summary>
    /// <exception cref="SpectralKDException">The cache folder cannot be written.</exception>
    internal static string? PathOf(string model)
    {
        using var resource = typeof(EmbeddedWeights).Assembly.GetManifestResourceStream(Prefix + model + Suffix);
        if (resource is null)
        {
            return null;
        }

        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        var path = CacheFolder.For("weights", Convert.ToHexString(SHA256.HashData(content))[..16], model + Suffix);
        if (!File.Exists(path) || new FileInfo(path).Length != content.Length)
        {
            AtomicFile.Write(path, stream => stream.Write(content));
        }

        return path;
    }
}
