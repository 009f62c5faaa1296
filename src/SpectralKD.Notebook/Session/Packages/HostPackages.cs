using System.Text.Json;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>
/// The packages that the running host is made of: a cell that asks for one of them gets the host's own, never a second copy.
/// </summary>
internal static class HostPackages
{
    /// <summary>Packages that only gather others for a platform.</summary>
    private static readonly Dictionary<string, string> s_standIns = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TorchSharp-cpu"] = "TorchSharp",
        ["Plotly.NET.Interactive"] = "Plotly.NET",
        ["Microsoft.DotNet.Interactive"] = "Microsoft.DotNet.Interactive.Formatting",
        ["Microsoft.Data.Analysis.Interactive"] = "Microsoft.Data.Analysis",
    };

    private static readonly Lazy<Dictionary<string, string>> s_versions = new(Read);

    /// <summary>The host's version of a package; null where it has none that cells share.</summary>
    public static string? VersionOf(string id)
    {
        var name = s_standIns.GetValueOrDefault(id, id);
        if (HostReferences.IsInner(name))
        {
            return null;
        }

        if (s_versions.Value.TryGetValue(name, out var version))
        {
            return version;
        }

        return HostReferences.PathOf(name) is { } path ? System.Reflection.AssemblyName.GetAssemblyName(path).Version?.ToString(3) : null;
    }

    /// <summary>Names and versions from the application's .deps.json.</summary>
    private static Dictionary<string, string> Read()
    {
        var versions = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var files = ((string?)AppContext.GetData("APP_CONTEXT_DEPS_FILES") ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries);
        foreach (var file in files.Where(File.Exists))
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var library in Libraries(json.RootElement))
            {
                var parts = library.Split('/', 2);
                versions.TryAdd(parts[0], parts[^1]);
            }
        }

        return versions;
    }

    private static IEnumerable<string> Libraries(JsonElement root)
        => root.TryGetProperty("libraries", out var libraries) ? [.. libraries.EnumerateObject().Select(library => library.Name)] : [];
}
