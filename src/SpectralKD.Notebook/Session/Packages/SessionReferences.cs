using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using Microsoft.CodeAnalysis;

namespace SpectralKD.Notebook.Session;

/// <summary>The assemblies that a session refers to besides the host's.</summary>
internal sealed class SessionReferences(CellCompiler compiler, SessionLoadContext loadContext)
{
    private readonly Dictionary<string, (Guid Build, MetadataReference Reference)> _referenced = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What <c>#r "path.dll"</c> does; assemblies beside it are found when they are needed.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="spelled">As the cell has it.</param>
    /// <param name="run">The cell.</param>
    /// <exception cref="SpectralKDException">There is no such assembly, or another one of its name is loaded.</exception>
    public void Add(string path, string spelled, CellExecution run)
    {
        var name = File.Exists(path) ? ManagedName(path, spelled) : BareName(spelled);
        if (HostReferences.PathOf(name) is { } hosts)
        {
            if (File.Exists(path) && Path.GetFullPath(hosts) != path)
            {
                run.Write($"{spelled}: using this notebook host's own {name}{Environment.NewLine}");
            }

            return;
        }

        if (LoadedInsteadOf(path) is { } loaded)
        {
            throw new SpectralKDException($"#r \"{spelled}\": another {loaded.Name} is in use already; restart the kernel to use this one");
        }

        loadContext.AddFolder(Path.GetDirectoryName(path)!);
        AddReference(path);
    }

    /// <summary>Lets an assembly be loaded when it is needed.</summary>
    public void AddAssembly(string path) => loadContext.AddPath(path);

    /// <summary>A folder whose native libraries are found when they are needed.</summary>
    public void AddNativeFolder(string folder) => loadContext.AddNativeFolder(folder);

    /// <summary>Lets cells name the types of an assembly, in place of an earlier one of the same name.</summary>
    public void AddReference(string path)
    {
        var name = Path.GetFileName(path);
        var known = _referenced.GetValueOrDefault(name);
        var build = BuildOf(path);
        if (known.Build != build)
        {
            _referenced[name] = (build, HostReferences.Open(path));
            compiler.ReplaceReference(known.Reference, _referenced[name].Reference);
        }
    }

    /// <summary>What was loaded under an assembly's name though it is another build; null where the assembly itself can be used.</summary>
    public (string Name, string Version)? LoadedInsteadOf(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return loadContext.Assemblies.FirstOrDefault(assembly => string.Equals(assembly.GetName().Name, name, StringComparison.OrdinalIgnoreCase))
            is { } loaded && loaded.ManifestModule.ModuleVersionId != BuildOf(path)
            ? (name, loaded.GetName().Version!.ToString())
            : null;
    }

    private static Guid BuildOf(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        var reader = image.GetMetadataReader();
        return reader.GetGuid(reader.GetModuleDefinition().Mvid);
    }

    private static string ManagedName(string path, string spelled)
    {
        try
        {
            return AssemblyName.GetAssemblyName(path).Name!;
        }
        catch (BadImageFormatException error)
        {
            throw new SpectralKDException($"#r \"{spelled}\": {path} is not a .NET assembly", error);
        }
    }

    /// <summary><c>#r "System.Xml"</c> and <c>#r "System.Xml.dll"</c> mean the framework's.</summary>
    private static string BareName(string spelled)
    {
        var name = spelled.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? spelled[..^4] : spelled;
        return HostReferences.PathOf(name) is not null
            ? name
            : throw new SpectralKDException(
                $"#r \"{spelled}\": there is no such assembly; give the path of a .dll, or \"nuget: Name, Version\"");
    }
}

/// <summary>
/// The packages that the running host is made of: a cell that asks for one of them gets the host's own, never a second copy.
/// </summary>
internal static class HostPackages
{
    /// <summary>Packages that only gather others for a platform.</summary>
    private static readonly Dictionary<string, string> StandIns = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TorchSharp-cpu"] = "TorchSharp",
        ["Plotly.NET.Interactive"] = "Plotly.NET",
        ["Microsoft.DotNet.Interactive"] = "Microsoft.DotNet.Interactive.Formatting",
        ["Microsoft.Data.Analysis.Interactive"] = "Microsoft.Data.Analysis",
    };

    private static readonly Lazy<Dictionary<string, string>> Versions = new(Read);

    /// <summary>The host's version of a package; null where it has none that cells share.</summary>
    public static string? VersionOf(string id)
    {
        var name = StandIns.GetValueOrDefault(id, id);
        if (HostReferences.IsInner(name))
        {
            return null;
        }

        if (Versions.Value.TryGetValue(name, out var version))
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
