using System.Diagnostics;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Times variants of one job in turns, so that whatever else the machine does meets all of them alike. The first variant is the baseline;
/// ratios are taken round by round, and their median and quartiles are printed.
/// </summary>
internal static class Interleaved
{
    public static void Run(string title, int rounds, string unit, double unitsPerCall, params (string Name, Action Call)[] variants)
    {
        foreach (var (_, call) in variants)
        {
            call(); // warm up: JIT, thread pools, torch's caches
        }

        var seconds = variants.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < variants.Length; turn++)
            {
                var which = (turn + round) % variants.Length;
                seconds[which][round] = Time(variants[which].Call);
            }
        }

        Print(title, unit, unitsPerCall, variants.Select(variant => variant.Name).ToArray(), seconds);
    }

    private static double Time(Action call)
    {
        var clock = Stopwatch.StartNew();
        call();
        return clock.Elapsed.TotalSeconds;
    }

    private static void Print(string title, string unit, double unitsPerCall, string[] names, double[][] seconds)
    {
        Console.WriteLine(title);
        Console.WriteLine($"| variant | ms | {unit}/s | of the baseline | quartiles |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        for (var i = 0; i < names.Length; i++)
        {
            var ratios = seconds[i].Zip(seconds[0], (own, baseline) => own / baseline).Order().ToArray();
            var median = At(seconds[i].Order().ToArray(), 0.5);
            Console.WriteLine(FormattableString.Invariant(
                $"| {names[i]} | {median * 1000:0.0} | {unitsPerCall / median:0.0} | {At(ratios, 0.5):0.000} | {At(ratios, 0.25):0.000} to {At(ratios, 0.75):0.000} |"));
        }
    }

    private static double At(double[] sorted, double part) => sorted[(int)Math.Round(part * (sorted.Length - 1))];
}
