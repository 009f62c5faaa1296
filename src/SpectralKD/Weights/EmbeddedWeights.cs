using System.Security.Cryptography;

namespace SpectralKD.Weights;

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
