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

    /// <summary>
    /// What most cells get by with. Each reference costs every compilation some microseconds: with all 200 of them <c>1+1</c> takes three
    /// times as long.
    /// </summary>
    private static readonly string[] s_common =
    [
        "System.Private.CoreLib", "System.Private.Uri", "System.Runtime", "System.Console", "System.Collections", "System.Linq",
        "System.Collections.Immutable", "System.Threading",
        "System.Threading.Tasks", "System.Threading.Thread", "System.Text.RegularExpressions", "System.Memory", "System.Runtime.Extensions",
        "System.ObjectModel", "System.Linq.Expressions", "System.ComponentModel.Primitives", "netstandard",
        "Microsoft.DotNet.Interactive.Formatting", "Microsoft.AspNetCore.Html.Abstractions", "SpectralKD", "SpectralKD.Interactive",
        "SpectralKD.Notebook", "TorchSharp", "Plotly.NET", "FSharp.Core", "DynamicObj", "Giraffe.ViewEngine", "Microsoft.Data.Analysis",
        "Microsoft.CSharp",
    ];

    private static readonly Lazy<Dictionary<string, string>> s_paths = new(FindPaths);
    private static readonly Lazy<ImmutableArray<MetadataReference>> s_commonReferences = new(() => Load(IsCommon));
    private static readonly Lazy<ImmutableArray<MetadataReference>> s_others = new(() => Load(name => !IsCommon(name) && !IsInner(name)));

    /// <summary>The references that every cell gets.</summary>
    public static ImmutableArray<MetadataReference> Common => s_commonReferences.Value;

    /// <summary>All others, for cells that ask for more.</summary>
    public static ImmutableArray<MetadataReference> Others => s_others.Value;

    /// <summary>The path of the host's assembly of a simple name; null where the host has none.</summary>
    public static string? PathOf(string assemblyName) => s_paths.Value.GetValueOrDefault(assemblyName);

    /// <summary>True for an assembly that cells have in common with the host; of its inner ones they may load their own.</summary>
    public static bool IsShared(string assemblyName) => PathOf(assemblyName) is not null && !IsInner(assemblyName);

    /// <summary>A reference with the XML documentation that lies beside the assembly or in the SDK's reference pack.</summary>
    public static PortableExecutableReference Open(string path)
    {
        var documentation = DocumentationFiles.Find(path) is { } xml ? XmlDocumentationProvider.CreateFromFile(xml) : null;
        return MetadataReference.CreateFromFile(path, documentation: documentation);
    }

    private static ImmutableArray<MetadataReference> Load(Func<string, bool> isWanted)
        => [.. s_paths.Value.Where(entry => isWanted(entry.Key)).Select(entry => (MetadataReference)Open(entry.Value))];

    private static bool IsCommon(string name) => s_common.Contains(name, StringComparer.OrdinalIgnoreCase);

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

    /// <summary>True for a part of the host that cells do not see unless they ask for it.</summary>
    public static bool IsInner(string name) => s_inner.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
