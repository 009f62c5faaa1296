using System.Diagnostics;

namespace SpectralKD.Benchmarks;

/// <summary>
/// Photographs to spectra on all cores, alone and beside another process that never rests, which this benchmark starts and ends itself: threads that spin while they wait
/// would lose more than the other takes. On two cores the time may at most be 2.2 of the quiet one.
/// </summary>
internal static class ContestBenchmark
{
    /// <summary>The command line's only word in the other process.</summary>
    public const string Busy = "busy";

    public static IEnumerable<Table> Run(BenchmarkArguments arguments)
    {
        using var pictures = Photographs.Of(arguments);
        var photos = ImageSources.Open(pictures.Folder, arguments.Images);
        using var model = ModelLoader.Load(arguments.Model ?? "deit_tiny_patch16_224", new() { Weights = "seeded" });
        set_num_threads(Environment.ProcessorCount);
        try
        {
            var floor = Floor.Forward(model.Spec, CPU);
            var alone = Interleaved.Here("alone", () => SpectralAnalysis.Run(model, photos, new SpectralOptions { Domain = SpectralDomain.Both, ActivationEntropy = false }), floor);
            yield return Interleaved.Run(
                $"{photos.Count} photographs to spectra of {model.Spec.Name}, {Environment.ProcessorCount} threads",
                arguments.Rounds,
                "images",
                photos.Count,
                alone,
                new Variant("beside one busy process", () => Beside(alone.Call), floor));
        }
        finally
        {
            set_num_threads(arguments.Threads);
        }
    }

    /// <summary>The other process: works until whoever started it lets go of its input.</summary>
    public static int Spin()
    {
        var ended = Console.OpenStandardInput().ReadAsync(new byte[1]).AsTask();
        for (long count = 0; !ended.IsCompleted; count++)
        {
        }

        return 0;
    }

    private static Sample Beside(Func<Sample> call)
    {
        var program = Environment.ProcessPath!;
        string[] words = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0], Busy] : [Busy];
        using var other = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardInput = true })!;
        try
        {
            Thread.Sleep(500); // until it spins
            return call();
        }
        finally
        {
            other.StandardInput.Close();
            other.WaitForExit();
        }
    }
}
