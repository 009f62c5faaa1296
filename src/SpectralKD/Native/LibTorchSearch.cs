using System.Runtime.InteropServices;
using TorchSharp;

namespace SpectralKD.Native;

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
