using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace SpectralKD.Native;

/// <summary>
/// Finds and loads the native libtorch before anything else uses torch. On Linux it preloads libtorch by full path from one
/// folder, so that TorchSharp copies nothing, and bridges systems whose libstdc++ is older than GCC 13. Windows and macOS are left
/// to TorchSharp's own loading.
/// </summary>
/// <remarks>On Linux nothing here touches TorchSharp's own native calls: a failed first call would fail for the rest of the process.</remarks>
public static class LibTorch
{
    private static readonly object Gate = new();
    private static readonly Dictionary<string, nint> Handles = [];
    private static bool _resolverInstalled;

    /// <summary>The folder that libtorch was loaded from; null before loading and on systems where TorchSharp loads it.</summary>
    public static string? Folder { get; private set; }

    /// <summary>True once <see cref="EnsureLoaded"/> has succeeded.</summary>
    public static bool IsLoaded { get; private set; }

    /// <summary>Loads libtorch once for the process; later calls return at once. After a failure a later call tries again.</summary>
    /// <exception cref="SpectralKDException">
    /// libtorch was not found or could not be loaded; the message says what was looked for, where, and what to install.
    /// </exception>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (IsLoaded)
            {
                return;
            }

            if (OperatingSystem.IsLinux())
            {
                Preload(LibTorchLocator.Find());
            }
            else
            {
                LeaveToTorchSharp();
            }

            IsLoaded = true;
        }
    }

    /// <summary>
    /// Makes plain <c>torch.…</c> calls of a notebook's cells load libtorch the same way. Harmless when called again; loads nothing itself.
    /// </summary>
    public static void InstallResolver()
    {
        lock (Gate)
        {
            if (!_resolverInstalled)
            {
                _resolverInstalled = true;
                AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
            }
        }
    }

    private static void Preload(LibTorchFolder found)
    {
        foreach (var library in found.Libraries)
        {
            Load(Path.Combine(found.Folder, library));
        }

        Handles["LibTorchSharp"] = LoadShim(found.Shim);
        Handles["torch_cpu"] = NativeLibrary.Load(Path.Combine(found.Folder, "libtorch_cpu.so"));
        Folder = found.Folder;
    }

    private static void LeaveToTorchSharp()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e) when (e is NotSupportedException or TypeInitializationException or DllNotFoundException)
        {
            var reason = e.GetBaseException().Message.Split('\n', 2)[0].Trim();
            throw new SpectralKDException(
                $"libtorch could not be loaded: {reason} Remedy: restart this process (in a notebook: the kernel), then {LibTorchLocator.Remedy}", e);
        }
    }

    private static nint LoadShim(string path)
    {
        if (NativeLibrary.TryLoad(path, out var handle))
        {
            return handle;
        }

        var bridged = LibStdCxxBridge.Prepare(path);
        return bridged is null ? Load(path) : Load(bridged);
    }

    private static nint Load(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new SpectralKDException(
                $"libtorch could not be loaded: {path}: {LoaderMessage(e)}. TorchSharp {LibTorchLocator.TorchSharpVersion} needs libtorch "
                + $"{LibTorchLocator.LibTorchVersion}; {LibTorchLocator.Remedy}",
                e);
        }
    }

    // .NET lists every probed path; the loader's own reason is the first line that names an existing file.
    private static string LoaderMessage(Exception e)
    {
        var lines = e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.FirstOrDefault(l => !l.Contains("cannot open shared object file: No such file") && !l.StartsWith("Unable to load"))
            ?? lines[0];
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        var key = name.StartsWith("lib", StringComparison.Ordinal) ? name[3..] : name;
        if (!OperatingSystem.IsLinux() || key is not ("torch_cpu" or "LibTorchSharp") || assembly.GetName().Name != "TorchSharp")
        {
            return 0;
        }

        try
        {
            EnsureLoaded();
        }
        catch (SpectralKDException e)
        {
            Console.Error.WriteLine(e.Message);
            return 0;
        }

        return Handles.GetValueOrDefault(key);
    }
}
