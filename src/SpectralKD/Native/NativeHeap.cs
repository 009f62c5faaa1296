using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SpectralKD.Native;

/// <summary>
/// How the C library keeps the memory of tensors. Left alone, glibc maps every large block afresh and gives it back at its end, so that each forward pass faults its
/// activations in page by page (at batch 32 a seventh of DeiT-Tiny's processor time). Here blocks stay, for the next layer to use again; glibc alone is asked, and
/// only where the user has not spoken by <c>MALLOC_*</c> variables or <c>GLIBC_TUNABLES</c>.
/// </summary>
internal static class NativeHeap
{
    private const int MapFrom = -3;       // M_MMAP_THRESHOLD
    private const int TrimFrom = -1;      // M_TRIM_THRESHOLD
    private const int LargestHeap = 1 << 30;
    private const int Every = 16;
    private const long Slack = 48L << 20;
    private static bool _cannot = !OperatingSystem.IsLinux();
    private static long? _mark;

    /// <summary>True once glibc was told to keep freed blocks.</summary>
    internal static bool KeepsBlocks { get; private set; }

    /// <summary>Sets the policy for the process; before the first tensor.</summary>
    internal static void Keep(IDictionary environment)
    {
        if (!_cannot && !IsUsers(environment))
        {
            Ask(() => KeepsBlocks = SetOption(MapFrom, LargestHeap) == 1 && SetOption(TrimFrom, int.MaxValue) == 1);
        }
    }

    /// <summary>True where the environment says how memory is to be kept.</summary>
    internal static bool IsUsers(IDictionary environment) => environment.Keys.Cast<string>().Any(name =>
        name.StartsWith("MALLOC_", StringComparison.Ordinal) || name is "GLIBC_TUNABLES" && $"{environment[name]}".Contains("glibc.malloc", StringComparison.Ordinal));

    /// <summary>
    /// After every sixteenth batch looks whether the process has grown by more than an eighth since it was last looked at, and gives free memory back only then: the holes
    /// between torch's blocks grow by some ten kilobytes an image, but what a batch has just freed the next one needs again.
    /// </summary>
    /// <param name="batch">Number of the batch that has just ended, from 1.</param>
    internal static void AfterBatch(long batch)
    {
        if (_cannot || batch % Every != 0 || Resident() is not { } now)
        {
            return;
        }

        if (HasGrown(_mark, now))
        {
            Ask(() => _ = TrimHeap(0));
            _mark = null; // measured anew when the batches have taken what they need
        }
        else
        {
            _mark ??= now;
        }
    }

    /// <summary>Gives free memory back to the system.</summary>
    internal static void GiveBack()
    {
        if (!_cannot)
        {
            Ask(() => _ = TrimHeap(0));
        }
    }

    /// <summary>True where a process of so many bytes has grown enough since the mark for a trim to pay.</summary>
    internal static bool HasGrown(long? mark, long now) => mark is { } before && now > before + (before / 8) + Slack;

    // Bytes of the process in memory (proc(5), statm: the second number counts pages).
    private static long? Resident() =>
        File.Exists("/proc/self/statm") && long.TryParse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture, out var pages)
            ? pages * Environment.SystemPageSize : null;

    private static void Ask(Action call)
    {
        try
        {
            call();
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            _cannot = true; // a system without glibc
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int TrimHeap(nuint keep);

    [DllImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetOption(int option, int value);
}
