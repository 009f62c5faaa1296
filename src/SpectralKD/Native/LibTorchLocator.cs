using System.Runtime.InteropServices;
using TorchSharp;

namespace SpectralKD.Native;

/// <summary>A folder of libtorch on Linux and the TorchSharp library that goes with it.</summary>
/// <param name="Folder">Folder that holds libtorch.</param>
/// <param name="Libraries">File names to load from it, in order.</param>
/// <param name="Shim">Full path of libLibTorchSharp.so.</param>
public sealed record LibTorchFolder(string Folder, IReadOnlyList<string> Libraries, string Shim)
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
    public static string Remedy =>
        $"in a notebook run #r \"nuget: {PackageName}, {LibTorchVersion}\" (NVIDIA GPU: #r \"nuget: {CudaPackageName}, {TorchSharpVersion}\"), "
        + InShell
        + $"in a project reference the same package, or set {FolderVariable} to a folder that holds libtorch {LibTorchVersion}";

    /// <summary>What to do where CUDA is missing, as one clause.</summary>
    public static string CudaRemedy =>
        $"For an NVIDIA GPU run #r \"nuget: {CudaPackageName}, {TorchSharpVersion}\" in a fresh notebook session, or build with -p:Cuda=true";

    // TorchSharp itself, which loads libtorch on Windows and macOS, does not look there.
    private static string InShell => OperatingSystem.IsLinux()
        ? $"in a shell run dotnet package download {PackageName}@{LibTorchVersion} --output {LibTorchSearch.UserPackages}, " : "";

    private static string PackageName => OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64"
        : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64" : "libtorch-cpu-linux-x64";

    private static string CudaPackageName => OperatingSystem.IsWindows() ? "TorchSharp-cuda-windows" : "TorchSharp-cuda-linux";

    /// <summary>Finds the folder to load from.</summary>
    /// <exception cref="SpectralKDException">Nothing was found; the message lists where it was looked for.</exception>
    public static LibTorchFolder Find() => Find(new LibTorchSearch());

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
