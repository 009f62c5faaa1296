using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>The assemblies of the running host that cells can use, read once in a process.</summary>
internal static class HostReferences
{
    /// <summary>Parts of the host that no cell needs; each reference costs time in every compilation.</summary>
    private static readonly string[] s_inner =
    [
        "Microsoft.CodeAnalysis", "NetMQ", "AsyncIO", "NaCl", "xunit", "Microsoft.Testing", "Microsoft.TestPlatform", "testhost", "CsCheck",
        "Microsoft.VisualStudio", "Microsoft.ApplicationInsights", "Microsoft.DiaSymReader", "System.Composition", "Humanizer", "Microsoft.Bcl",
        "System.CommandLine", "Microsoft.VisualBasic", "Elfie", "BenchmarkDotNet", "Microsoft.Win32.SystemEvents", "System.ServiceModel",
    ];

    private static readonly Lazy<Dictionary<string, string>> s_paths = new(FindPaths);
    private static readonly Lazy<ImmutableArray<MetadataReference>> s_all = new(Load);

    /// <summary>All references for cells.</summary>
    public static ImmutableArray<MetadataReference> All => s_all.Value;

    /// <summary>The path of the host's assembly of a simple name; null where the host has none.</summary>
    public static string? PathOf(string assemblyName) => s_paths.Value.GetValueOrDefault(assemblyName);

    /// <summary>A reference with the XML documentation that lies beside the assembly or in the SDK's reference pack.</summary>
    public static PortableExecutableReference Open(string path)
    {
        var documentation = DocumentationFiles.Find(path) is { } xml ? XmlDocumentationProvider.CreateFromFile(xml) : null;
        return MetadataReference.CreateFromFile(path, documentation: documentation);
    }

    private static ImmutableArray<MetadataReference> Load()
        => [.. s_paths.Value.Where(entry => !IsInner(entry.Key)).Select(entry => (MetadataReference)Open(entry.Value))];

    private static Dictionary<string, string> FindPaths()
    {
        var paths = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var trusted = (string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "";
        foreach (var path in trusted.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
        {
            paths.TryAdd(Path.GetFileNameWithoutExtension(path), path);
        }

        return paths;
    }

    private static bool IsInner(string name) => s_inner.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
