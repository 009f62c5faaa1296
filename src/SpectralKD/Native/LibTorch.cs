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

            LoadingPolicy.Apply();
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

/// <summary>A folder of libtorch on Linux and the TorchSharp library that goes with it.</summary>
/// <param name="Folder">Folder that holds libtorch.</param>
/// <param name="Libraries">File names to load from it, in order.</param>
/// <param name="Shim">Full path of libLibTorchSharp.so.</param>
internal sealed record LibTorchFolder(string Folder, IReadOnlyList<string> Libraries, string Shim)
{
    /// <summary>True for a build with CUDA.</summary>
    public bool HasCuda => Libraries.Contains(LibTorchLocator.CudaLibrary);
}

/// <summary>
/// Finds libtorch on Linux: a folder named by <c>SPECTRALKD_LIBTORCH</c>, what the process has loaded already, the application's
/// folder, NuGet packages. A build with CUDA is preferred where an NVIDIA driver is there.
/// </summary>
public static class LibTorchLocator
{
    /// <summary>Environment variable that names a folder with libtorch, for example <c>site-packages/torch/lib</c> of a PyTorch wheel.</summary>
    public const string FolderVariable = "SPECTRALKD_LIBTORCH";

    /// <summary>The libtorch version that this TorchSharp is built for.</summary>
    public const string LibTorchVersion = "2.10.0";

    internal const string CudaLibrary = "libtorch_cuda.so";
    private const string CpuLibrary = "libtorch_cpu.so";
    private const string ShimLibrary = "libLibTorchSharp.so";

    /// <summary>The version of the managed TorchSharp assembly, for example <c>0.107.0</c>.</summary>
    public static string TorchSharpVersion => typeof(torch).Assembly.GetName().Version?.ToString(3) ?? "?";

    /// <summary>What to do where libtorch is missing, as one clause.</summary>
    public static string Remedy => Advice.IsForCommandLine ? $"{InShell}{(OperatingSystem.IsLinux() ? "or " : "")}set {FolderVariable} to a folder that holds libtorch {LibTorchVersion}"
        : $"in a notebook run #r \"nuget: {PackageName}, {LibTorchVersion}\" (NVIDIA GPU: #r \"nuget: {CudaPackageName}, {TorchSharpVersion}\"), "
        + InShell
        + $"in a project reference the same package, or set {FolderVariable} to a folder that holds libtorch {LibTorchVersion}";

    /// <summary>What to do where CUDA is missing, as one clause.</summary>
    public static string CudaRemedy => Advice.IsForCommandLine ? $"For an NVIDIA GPU build with -p:Cuda=true, or set {FolderVariable} to the torch/lib folder of a PyTorch wheel of {LibTorchVersion} with CUDA"
        : $"For an NVIDIA GPU run #r \"nuget: {CudaPackageName}, {TorchSharpVersion}\" in a fresh notebook session, or build with -p:Cuda=true";

    // TorchSharp itself, which loads libtorch on Windows and macOS, does not look there.
    private static string InShell => OperatingSystem.IsLinux()
        ? $"{(Advice.IsForCommandLine ? "" : "in a shell ")}run dotnet package download {PackageName}@{LibTorchVersion} --output {LibTorchSearch.UserPackages}, " : "";

    private static string PackageName => OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64"
        : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64" : "libtorch-cpu-linux-x64";

    private static string CudaPackageName => OperatingSystem.IsWindows() ? "TorchSharp-cuda-windows" : "TorchSharp-cuda-linux";

    /// <summary>Finds the folder to load from.</summary>
    /// <exception cref="SpectralKDException">Nothing was found; the message lists where it was looked for.</exception>
    internal static LibTorchFolder Find() => Find(new LibTorchSearch());

    internal static LibTorchFolder Find(LibTorchSearch search)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new SpectralKDException(
                $"TorchSharp has no native library for Linux on {RuntimeInformation.ProcessArchitecture}: run on an x64 machine");
        }

        var folder = search.NamedFolder is { } named ? Named(named) : Searched(search);
        var shim = search.ShimFolders.Prepend(folder).Select(f => Path.Combine(f, ShimLibrary)).FirstOrDefault(File.Exists)
            ?? throw NotFound(ShimLibrary, search.ShimFolders);
        return new LibTorchFolder(folder, LibrariesIn(folder), shim);
    }

    private static string Named(string folder) => File.Exists(Path.Combine(folder, CpuLibrary))
        ? Path.GetFullPath(folder)
        : throw new SpectralKDException(
            $"{FolderVariable} names {folder}, which holds no {CpuLibrary}: set it to the folder of libtorch {LibTorchVersion}'s libraries, "
            + "or unset it");

    private static string Searched(LibTorchSearch search)
    {
        if (search.LoadedFolder is { } loaded)
        {
            return loaded;
        }

        var found = search.Folders.Where(f => File.Exists(Path.Combine(f, CpuLibrary))).ToList();
        var suited = found.Find(f => File.Exists(Path.Combine(f, CudaLibrary)) == search.HasNvidiaDriver);
        return suited ?? found.FirstOrDefault() ?? throw NotFound(CpuLibrary, search.Folders);
    }

    // libtorch.so asks for the others by soname, so they come first.
    private static IReadOnlyList<string> LibrariesIn(string folder) =>
        [.. new[] { "libc10.so", CpuLibrary, "libc10_cuda.so", CudaLibrary, "libtorch.so" }.Where(l => File.Exists(Path.Combine(folder, l)))];

    private static SpectralKDException NotFound(string library, IEnumerable<string> folders) => new(
        $"libtorch was not found: looked for {library} in {string.Join(", ", folders)}. Remedy: {Remedy}");
}

/// <summary>Where libtorch may lie on this Linux machine; tests replace the facts by their own.</summary>
internal sealed record LibTorchSearch
{
    private const string Rid = "linux-x64";

    /// <summary>The folder that the user named, or null.</summary>
    public string? NamedFolder { get; init; } =
        Environment.GetEnvironmentVariable(LibTorchLocator.FolderVariable) is { Length: > 0 } folder ? folder : null;

    /// <summary>The folder of a libtorch that this process has loaded already (two copies in one process abort it), or null.</summary>
    public string? LoadedFolder { get; init; } = FindLoaded();

    /// <summary>The application's own folder.</summary>
    public string ApplicationFolder { get; init; } = AppContext.BaseDirectory;

    /// <summary>NuGet package folders, most specific first.</summary>
    public IReadOnlyList<string> PackageFolders { get; init; } = [.. NuGetFolders().Distinct()];

    /// <summary>True where the NVIDIA driver's library can be loaded.</summary>
    public bool HasNvidiaDriver { get; init; } = NativeLibrary.TryLoad("libcuda.so.1", out _);

    /// <summary>Folders in which libtorch is looked for, in order.</summary>
    public IReadOnlyList<string> Folders =>
    [
        .. ApplicationFolders,
        .. PackageFolders.Select(p => Path.Combine(p, "libtorch-cuda-12.8-linux-x64", LibTorchLocator.LibTorchVersion, "runtimes", Rid, "native")),
        .. PackageFolders.Select(p => Path.Combine(p, "libtorch-cpu-linux-x64", LibTorchLocator.LibTorchVersion, "runtimes", Rid, "native")),
    ];

    /// <summary>Folders in which TorchSharp's own native library is looked for, in order.</summary>
    public IReadOnlyList<string> ShimFolders =>
    [
        .. ApplicationFolders,
        .. PackageFolders.Select(p => Path.Combine(p, "torchsharp", LibTorchLocator.TorchSharpVersion, "runtimes", Rid, "native")),
    ];

    /// <summary>Where NuGet keeps the user's packages unless told otherwise.</summary>
    public static string UserPackages => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private IReadOnlyList<string> ApplicationFolders => [ApplicationFolder, Path.Combine(ApplicationFolder, "runtimes", Rid, "native")];

    // In a notebook TorchSharp.dll lies in <packages>/torchsharp/<version>/lib/net8.0.
    private static IEnumerable<string> NuGetFolders()
    {
        var assembly = typeof(torch).Assembly.Location;
        var package = assembly.Length == 0 ? null : Path.GetDirectoryName(assembly);
        for (var up = 0; up < 4 && package is not null; up++)
        {
            package = Path.GetDirectoryName(package);
        }

        if (package is not null && Directory.Exists(Path.Combine(package, "torchsharp")))
        {
            yield return package;
        }

        if (Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named)
        {
            yield return named;
        }

        yield return UserPackages;
    }

    private static string? FindLoaded()
    {
        if (!File.Exists("/proc/self/maps"))
        {
            return null;
        }

        var line = File.ReadLines("/proc/self/maps").FirstOrDefault(l => l.EndsWith("/libtorch_cpu.so", StringComparison.Ordinal));
        return line is null ? null : Path.GetDirectoryName(line[line.IndexOf('/')..]);
    }
}
