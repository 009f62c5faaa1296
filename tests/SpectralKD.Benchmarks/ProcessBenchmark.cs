using System.Diagnostics;
using System.Text.Json;

namespace SpectralKD.Benchmarks;

/// <summary>Whole processes, as a user waits for them: the command's start-up, and photographs to spectra beside PyTorch's process.</summary>
internal static class ProcessBenchmark
{
    private static readonly string[] s_models = ["deit_tiny_patch16_224", "cait_xxs24_224", "swin_tiny_patch4_window7_224"];

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        using var photos = Photographs.Of(arguments);
        var folder = Directory.CreateTempSubdirectory("spectra-").FullName;
        try
        {
            if (arguments.Command is { } command)
            {
                yield return Interleaved.Run("Starting the command", arguments.Rounds, "runs", 1,
                [
                    Child("spectralkd --version", command, ["--version"]),
                    Child("spectralkd models", command, ["models", "deit"]),
                    Child("spectralkd device", command, ["device"]),
                    Child("spectralkd analyze, one texture", command, ["analyze", "--model", "deit_nano_patch8_64", "--images", "textures", "--count", "1", "--force", "--out", Path.Combine(folder, "one")]),
                ]);
            }

            foreach (var (name, batch) in s_models.SelectMany(name => arguments.Batches.Select(batch => (name, batch))))
            {
                string[] own = arguments.Command is null ? [] : ["analyze", "--model", name, "--weights", "seeded", "--images", photos.Folder, "--count", $"{arguments.Images}",
                    "--domain", "both", "--batch", $"{batch}", "--force", "--out", Path.Combine(folder, name)];
                var floor = Floor.Forward(ModelCatalog.Find(name).Spec, CPU);
                Variant?[] both =
                [
                    arguments.FoundPeer?.Whole("analyze", "--model", name, "--batch", $"{batch}", "--images", photos.Folder, "--count", $"{arguments.Images}") is { } peer ? peer with { FloorSeconds = floor } : null,
                    arguments.Command is { } once ? Child("spectralkd analyze, both domains, and entropy over a given range", once, [.. own, "--entropy-range", "-100,100"]) with { FloorSeconds = floor } : null,
                    arguments.Command is { } with ? Child("spectralkd analyze, both domains, and entropy in a second pass", with, own) with { FloorSeconds = 2 * floor } : null,
                ];
                if (both.OfType<Variant>().ToArray() is [_, ..] there)
                {
                    yield return Interleaved.Run($"{arguments.Images} photographs to spectra of {name}, whole process, batches of {batch}", arguments.Rounds, "images", arguments.Images, there);
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A process that is measured from its start to its end; CPU time and memory where the system's <c>time</c> command gives them.</summary>
    internal static Variant Child(string name, string program, IReadOnlyList<string> arguments) => new(name, () =>
    {
        var told = Path.GetTempFileName();
        var measured = File.Exists(Time);
        var start = measured
            ? new ProcessStartInfo(Time, ["-q", "-o", told, "-f", """{"user": %U, "system": %S, "kib": %M}""", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.WaitForExit();
        var wall = clock.Elapsed.TotalSeconds;
        if (process.ExitCode != 0)
        {
            throw new SpectralKDException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {(error.Result + output.Result).Trim().Split('\n')[^1]}");
        }

        var figures = measured ? JsonDocument.Parse(File.ReadAllText(told)).RootElement : default;
        File.Delete(told);
        return measured ? new Sample(wall, Number("user"), Number("system"), Number("kib") / 1024) : new Sample(wall, double.NaN, double.NaN, double.NaN);

        double Number(string key) => figures.GetProperty(key).GetDouble();
    });

    private const string Time = "/usr/bin/time";
}
