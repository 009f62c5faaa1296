using System.Diagnostics;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Times variants of one job in turns, so that whatever else the machine does meets all of them alike. The first variant is the baseline; ratios are taken
/// round by round. CPU time is that of the whole process, which on a machine that others use too says more than the clock.
/// </summary>
internal static class Interleaved
{
    public static Table Run(string title, int rounds, string unit, double unitsPerCall, params IReadOnlyList<Variant> variants)
    {
        foreach (var variant in variants)
        {
            variant.Call(); // warm up: JIT, thread pools, torch's caches
        }

        var rows = variants.Select(variant => new Row(variant.Name, unitsPerCall, variant.FloorSeconds * unitsPerCall)).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < variants.Count; turn++)
            {
                var which = (turn + round) % variants.Count;
                rows[which].Add(variants[which].Call());
            }
        }

        return new Table(title, unit, rows);
    }

    /// <summary>A variant that runs in this process.</summary>
    /// <param name="name">What the table calls it.</param>
    /// <param name="call">The work.</param>
    /// <param name="floorSeconds">What one unit would take at the best rate seen here; null where there is none.</param>
    public static Variant Here(string name, Action call, double? floorSeconds = null) => new(name, () => Time(call), floorSeconds);

    private static Sample Time(Action call)
    {
        PeakMemory.Reset();
        using var process = Process.GetCurrentProcess();
        var (user, system) = (process.UserProcessorTime, process.PrivilegedProcessorTime);
        var clock = Stopwatch.StartNew();
        call();
        var wall = clock.Elapsed.TotalSeconds;
        process.Refresh();
        return new Sample(wall, (process.UserProcessorTime - user).TotalSeconds, (process.PrivilegedProcessorTime - system).TotalSeconds, PeakMemory.MiB());
    }
}

/// <summary>One way to do a job.</summary>
internal sealed record Variant(string Name, Func<Sample> Call, double? FloorSeconds = null);

/// <summary>What one call took: seconds by the clock, seconds of CPU in user and system mode, and the highest memory meanwhile.</summary>
internal sealed record Sample(double Wall, double User, double System, double PeakMiB)
{
    public double Cpu => User + System;
}

/// <summary>The highest resident memory of this process since the last reset; on systems without /proc since it began.</summary>
internal static class PeakMemory
{
    private const string Status = "/proc/self/status";

    public static void Reset()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then it is the peak since the process began.
        }
    }

    public static double MiB()
    {
        var line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        if (line is not null)
        {
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) / 1024;
        }

        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64 / 1048576.0;
    }
}
