using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Microsoft.CodeAnalysis;

namespace SpectralKD.Notebook.Session;

/// <summary>The assemblies of the running host that cells can use, read once in a process.</summary>
internal static class HostReferences
{
    /// <summary>Parts of the host that no cell needs; each reference costs time in every compilation.</summary>
    private static readonly string[] Inner =
    [
        "Microsoft.CodeAnalysis", "NetMQ", "AsyncIO", "NaCl", "xunit", "Microsoft.Testing", "Microsoft.TestPlatform", "testhost", "CsCheck",
        "Microsoft.VisualStudio", "Microsoft.ApplicationInsights", "Microsoft.DiaSymReader", "System.Composition", "Humanizer", "Microsoft.Bcl",
        "System.CommandLine", "Microsoft.VisualBasic", "Elfie", "BenchmarkDotNet", "Microsoft.Win32.SystemEvents", "System.ServiceModel",
        "NuGet.",
    ];

    /// <summary>What every cell can name. Each reference costs every compilation some microseconds; the rest comes when a cell asks for it.</summary>
    private static readonly string[] Roots =
    [
        "SpectralKD.Notebook", "SpectralKD.Interactive", "SpectralKD", "TorchSharp", "Plotly.NET", "Microsoft.Data.Analysis",
        "Microsoft.DotNet.Interactive.Formatting", "Microsoft.CSharp", "netstandard",
    ];

    private static readonly Lazy<Dictionary<string, string>> Paths = new(FindPaths);
    private static readonly Lazy<Dictionary<string, MetadataReference>> CommonOnes = new(WithAllThatTheyNeed);
    private static readonly Lazy<ImmutableArray<MetadataReference>> OtherOnes = new(LoadOthers);

    /// <summary>
    /// The references that every cell gets, with all that these need themselves: if something of theirs came later, the compiler would take
    /// them for other assemblies, and the variables of earlier cells would be of other types than those of the same name.
    /// </summary>
    public static IEnumerable<MetadataReference> Common => CommonOnes.Value.Values;

    /// <summary>All others, for cells that ask for more.</summary>
    public static ImmutableArray<MetadataReference> Others => OtherOnes.Value;

    /// <summary>The path of the host's assembly of a simple name; null where the host has none.</summary>
    public static string? PathOf(string assemblyName) => Paths.Value.GetValueOrDefault(assemblyName);

    /// <summary>True for an assembly that cells have in common with the host; of its inner ones they may load their own.</summary>
    public static bool IsShared(string assemblyName) => PathOf(assemblyName) is not null && !IsInner(assemblyName);

    /// <summary>
    /// A reference with the XML documentation that lies beside the assembly or in the SDK's reference pack. It has no path: of each reference with one the
    /// compiler writes name, size and time stamp into the debug information of each cell, which was a tenth of a cell's time.
    /// </summary>
    public static PortableExecutableReference Open(string path)
    {
        var documentation = DocumentationFiles.Find(path) is { } xml ? XmlDocumentationProvider.CreateFromFile(xml) : null;
        var metadata = AssemblyMetadata.Create(ModuleMetadata.CreateFromStream(File.OpenRead(path), PEStreamOptions.PrefetchMetadata));
        return metadata.GetReference(documentation, display: path);
    }

    private static Dictionary<string, MetadataReference> WithAllThatTheyNeed()
    {
        var found = new Dictionary<string, MetadataReference>(StringComparer.OrdinalIgnoreCase);
        var names = new Queue<string>(Roots);
        while (names.TryDequeue(out var name))
        {
            if (!found.ContainsKey(name) && IsShared(name))
            {
                var reference = Open(PathOf(name)!);
                found[name] = reference;
                NeedsOf(reference).ForEach(names.Enqueue);
            }
        }

        return found;
    }

    /// <summary>What stands in an assembly.</summary>
    public static MetadataReader ReaderOf(PortableExecutableReference reference)
        => ((AssemblyMetadata)reference.GetMetadata()).GetModules()[0].GetMetadataReader();

    private static List<string> NeedsOf(PortableExecutableReference reference)
    {
        var reader = ReaderOf(reference);
        return [.. reader.AssemblyReferences.Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))];
    }

    private static ImmutableArray<MetadataReference> LoadOthers()
        => [.. Paths.Value.Where(entry => !CommonOnes.Value.ContainsKey(entry.Key) && !IsInner(entry.Key)).Select(entry => Open(entry.Value))];

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
    public static bool IsInner(string name) => Inner.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}

/// <summary>Finds the XML documentation of an assembly.</summary>
internal static class DocumentationFiles
{
    private static readonly Lazy<string?> ReferencePack = new(FindReferencePack);
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location) ?? "";

    /// <summary>
    /// The file beside the assembly, or that of the SDK's reference pack for the framework's own assemblies; null where there is none.
    /// </summary>
    public static string? Find(string assemblyPath)
    {
        var beside = Path.ChangeExtension(assemblyPath, ".xml");
        if (File.Exists(beside))
        {
            return beside;
        }

        if (ReferencePack.Value is not { } pack || Path.GetDirectoryName(assemblyPath) != Framework)
        {
            return null;
        }

        var name = Path.GetFileNameWithoutExtension(assemblyPath);
        var inPack = Path.Combine(pack, (name == "System.Private.CoreLib" ? "System.Runtime" : name) + ".xml");
        return File.Exists(inPack) ? inPack : null;
    }

    /// <summary>For example <c>/usr/share/dotnet/packs/Microsoft.NETCore.App.Ref/10.0.4/ref/net10.0</c>.</summary>
    private static string? FindReferencePack()
    {
        var packs = Path.GetFullPath(Path.Combine(Framework, "..", "..", "..", "packs", "Microsoft.NETCore.App.Ref"));
        var moniker = $"net{Environment.Version.Major}.0";
        return Directory.Exists(packs)
            ? Directory.EnumerateDirectories(packs)
                .Select(version => Path.Combine(version, "ref", moniker))
                .Where(Directory.Exists)
                .Order(StringComparer.Ordinal)
                .LastOrDefault()
            : null;
    }
}
