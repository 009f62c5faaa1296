using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace SpectralKD.Benchmarks;

/// <summary>PyTorch beside ours: runs peer.py in a Python that has torch. Each call is a process that warms up once and measures once.</summary>
internal sealed class Peer
{
    private static readonly string s_script = Path.Combine(AppContext.BaseDirectory, "peer.py");
    private readonly string _python;
    private readonly int _threads;

    private Peer(string python, int threads, string name)
    {
        (_python, _threads) = (python, threads);
        Name = name;
    }

    /// <summary><c>PyTorch 2.10.0 (timm 1.0.11)</c>.</summary>
    public string Name { get; }

    /// <summary>The peer that is asked for; null where none is. Says so in one line where there is no such Python.</summary>
    /// <exception cref="SpectralKDException">It was asked for and cannot be run.</exception>
    public static Peer? Find(BenchmarkArguments arguments)
    {
        if (arguments.Peer is not { } python)
        {
            return null;
        }

        var found = Run(python, ["product", "--repeat", "1"]);
        return new Peer(python, arguments.Threads, $"PyTorch {found.GetProperty("torch").GetString()} ({found.GetProperty("source").GetString()})");
    }

    /// <summary>A variant that PyTorch does, for a table of ours.</summary>
    /// <param name="job">forward, analyze or step.</param>
    /// <param name="arguments">As peer.py takes them.</param>
    public Variant Variant(string job, params string[] arguments) => new(Name, () =>
    {
        var found = Run(_python, [job, .. arguments, "--repeat", "1", "--threads", _threads.ToString(CultureInfo.InvariantCulture)]);
        var round = found.GetProperty("rounds")[0];
        return new Sample(Number("wall"), Number("user"), Number("system"), found.GetProperty("peak_mib").GetDouble());

        double Number(string name) => round.GetProperty(name).GetDouble();
    });

    /// <summary>The same as a whole process: one pass, with the time that Python and torch take to load.</summary>
    public Variant Whole(string job, params string[] arguments) => ProcessBenchmark.Child(
        Name, _python, [s_script, job, .. arguments, "--repeat", "0", "--threads", _threads.ToString(CultureInfo.InvariantCulture)]);

    private static JsonElement Run(string python, string[] arguments)
    {
        using var process = Start(python, arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonDocument.Parse(output.Result).RootElement.Clone()
            : throw new SpectralKDException($"--peer {python}: peer.py ended with {process.ExitCode}: {error.Result.Trim().Split('\n')[^1]}");
    }

    private static Process Start(string python, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(python, [s_script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new SpectralKDException($"--peer {python} cannot be started: {e.Message}; name a Python that has torch", e);
        }
    }
}
