using System.Runtime.InteropServices;

namespace SpectralKD.Native;

/// <summary>
/// Gives memory that torch has freed back to the system. glibc keeps the holes between torch's blocks, and over hundreds of batches they grow: some
/// ten kilobytes an image. A trim returns their pages; nothing else changes.
/// </summary>
internal static class NativeHeap
{
    private const int Every = 16;
    private static bool _cannot = !OperatingSystem.IsLinux();

    /// <summary>Trims after every sixteenth batch; takes about a millisecond then.</summary>
    /// <param name="batch">Number of the batch that has just ended, from 1.</param>
    internal static void AfterBatch(long batch)
    {
        if (!_cannot && batch % Every == 0)
        {
            Trim();
        }
    }

    private static void Trim()
    {
        try
        {
            _ = TrimHeap(0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            _cannot = true; // a system without glibc
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int TrimHeap(nuint keep);
}
