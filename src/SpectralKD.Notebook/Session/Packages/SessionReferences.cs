using System.Reflection;
using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Compiling;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>The assemblies that a session refers to besides the host's.</summary>
internal sealed class SessionReferences(CellCompiler compiler, SessionLoadContext loadContext)
{
    private readonly HashSet<string> _referenced = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What <c>#r "path.dll"</c> does; assemblies beside it are found when they are needed.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="spelled">As the cell has it.</param>
    /// <param name="program">The cell.</param>
    /// <exception cref="SpectralKDException">There is no such assembly.</exception>
    public void Add(string path, string spelled, CellProgram program)
    {
        var name = File.Exists(path) ? ManagedName(path, spelled) : BareName(spelled);
        if (HostReferences.PathOf(name) is { } hosts)
        {
            if (File.Exists(path) && Path.GetFullPath(hosts) != path)
            {
                program.Write($"{spelled}: using this notebook host's own {name}{Environment.NewLine}");
            }

            return;
        }

        AddAssembly(path);
        loadContext.AddFolder(Path.GetDirectoryName(path)!);
        AddReference(path);
    }

    /// <summary>Lets an assembly be loaded when it is needed.</summary>
    public void AddAssembly(string path) => loadContext.AddPath(path);

    /// <summary>Lets cells name the types of an assembly.</summary>
    public void AddReference(string path)
    {
        if (_referenced.Add(Path.GetFileName(path)))
        {
            compiler.AddReference(HostReferences.Open(path));
        }
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
