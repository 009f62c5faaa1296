using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;

namespace SpectralKD.Native;

/// <summary>
/// What libtorch finds when it loads: how threads wait, how many there are, how large blocks of memory are kept. libtorch and its OpenMP read it once, from the
/// environment of the C library; a variable that the user has set stays as it is.
/// </summary>
internal static class LoadingPolicy
{
    private static readonly string[] Waiting = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"];
    private static readonly string[] Counting = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"];

    /// <summary>Sets the process up; called once, before libtorch is loaded.</summary>
    internal static void Apply()
    {
        var environment = Environment.GetEnvironmentVariables();
        NativeHeap.Keep(environment);
        foreach (var (name, value) in Variables(environment, Environment.ProcessorCount, AllowedProcessors(), OperatingSystem.IsLinux()))
        {
            Set(name, value);
        }
    }

    /// <summary>The variables that are to be set.</summary>
    /// <param name="environment">The environment as the user left it.</param>
    /// <param name="processors">Cores that the process may use: .NET honours affinity and a container's limit on CPU time.</param>
    /// <param name="allowed">Cores by affinity alone, which is all that OpenMP looks at; null where that is not known.</param>
    /// <param name="linux">True on Linux.</param>
    internal static IEnumerable<(string Name, string Value)> Variables(IDictionary environment, int processors, int? allowed, bool linux)
    {
        if (!Waiting.Any(environment.Contains))
        {
            // Threads that wait for the next operation sleep. Else they spin for milliseconds on cores that image decoders and other processes need.
            yield return ("OMP_WAIT_POLICY", "PASSIVE");
        }

        if (!Counting.Any(environment.Contains) && processors < allowed)
        {
            yield return ("OMP_NUM_THREADS", processors.ToString(CultureInfo.InvariantCulture));
        }

        if (linux && !environment.Contains("THP_MEM_ALLOC_ENABLE") && !NativeHeap.IsUsers(environment))
        {
            // c10's allocator then advises huge pages for blocks of 2 MB and more: a 512th of the page faults, and fewer misses of the address cache.
            yield return ("THP_MEM_ALLOC_ENABLE", "1");
        }
    }

    // Of a list such as "0-3,8" (proc(5)).
    private static int? AllowedProcessors()
    {
        const string Status = "/proc/self/status", Key = "Cpus_allowed_list:";
        var line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line is null ? null : Count(line[Key.Length..]);
    }

    /// <summary>How many processors a list such as <c>0-3,8</c> names; null where it is no such list.</summary>
    internal static int? Count(string list)
    {
        var sum = 0;
        foreach (var range in list.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = range.Split('-');
            if (!int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
            {
                return null;
            }

            sum += last - first + 1;
        }

        return sum;
    }

    // .NET keeps an environment of its own on Unix, which native libraries do not see.
    private static void Set(string name, string value)
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(name, value);
            return;
        }

        try
        {
            _ = SetVariable(name, value, 0);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // A system without this C library keeps its own defaults.
        }
    }

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
