using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// Where a session's cells and what they refer to by <c>#r</c> are loaded. What the host shares with them always comes from the host.
/// </summary>
internal sealed class SessionLoadContext(int number) : AssemblyLoadContext($"notebook session {number}")
{
    private readonly Dictionary<string, string> _paths = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _folders = [];
    private readonly List<string> _nativeFolders = [];

    /// <summary>Where an assembly is found when a cell first needs it.</summary>
    public void AddPath(string path) => _paths[Path.GetFileNameWithoutExtension(path)] = path;

    /// <summary>A folder whose assemblies and native libraries are found when they are needed.</summary>
    public void AddFolder(string folder)
    {
        _folders.Remove(folder);
        _folders.Insert(0, folder);
        AddNativeFolder(folder);
    }

    /// <summary>A folder with native libraries.</summary>
    public void AddNativeFolder(string folder)
    {
        if (!_nativeFolders.Contains(folder))
        {
            _nativeFolders.Add(folder);
        }
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name is not { } name || Compiling.HostReferences.IsShared(name))
        {
            return null;
        }

        if (_paths.TryGetValue(name, out var path))
        {
            return LoadFromAssemblyPath(path);
        }

        return _folders.Select(folder => Path.Combine(folder, name + ".dll")).FirstOrDefault(File.Exists) is { } users ? LoadCopy(users) : null;
    }

    /// <summary>The user's own build output may be written anew while it is in use.</summary>
    private Assembly LoadCopy(string path)
    {
        using var assembly = new MemoryStream(File.ReadAllBytes(path));
        var symbols = Path.ChangeExtension(path, ".pdb");
        using var pdb = File.Exists(symbols) ? new MemoryStream(File.ReadAllBytes(symbols)) : null;
        return LoadFromStream(assembly, pdb);
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        foreach (var candidate in _nativeFolders.SelectMany(folder => Spellings(unmanagedDllName).Select(name => Path.Combine(folder, name))))
        {
            if (File.Exists(candidate) && NativeLibrary.TryLoad(candidate, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }

    private static IEnumerable<string> Spellings(string name)
    {
        var extension = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        return [name, name + extension, "lib" + name + extension, "lib" + name];
    }
}
