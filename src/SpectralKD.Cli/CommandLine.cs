using System.CommandLine;

namespace SpectralKD.Cli;

/// <summary>The <c>spectralkd</c> command: results on stdout, progress and errors on stderr, exit code 0 or not.</summary>
internal static class CommandLine
{
    /// <summary>What a command returns that was stopped.</summary>
    public const int Stopped = 130;

    // The other commands take no time, and the kernel (jupyter start) has signals of its own: SIGINT interrupts a cell.
    private static readonly string[] EndInOrder = ["run", "analyze", "cache", "distill", "compare"];

    /// <param name="args">The program's arguments.</param>
    /// <param name="configuration">Where output goes.</param>
    /// <param name="signals">Stops the commands that can save what they have; null: nothing does.</param>
    public static async Task<int> RunAsync(string[] args, InvocationConfiguration configuration, StopSignals? signals = null)
    {
        (configuration.Output, configuration.Error) = (new PlainTextWriter(configuration.Output), new PlainTextWriter(configuration.Error));
        try
        {
            var parsed = Root().Parse(args);
            configuration.ProcessTerminationTimeout = null; // see StopSignals
            if (EndInOrder.Contains(parsed.CommandResult.Command.Name))
            {
                signals?.Listen(configuration.Error);
            }

            return await parsed.InvokeAsync(configuration, signals?.Token ?? CancellationToken.None);
        }
        catch (SpectralKDException e)
        {
            await configuration.Error.WriteLineAsync($"spectralkd: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            await configuration.Error.WriteLineAsync("spectralkd: stopped");
            return Stopped;
        }
    }

    public static RootCommand Root() =>
        new("Spectral analysis of vision transformers and spectral distillation (SpectralKD, arXiv 2412.19055)")
        {
            RunVerb.Create(),
            AnalyzeVerb.Create(),
            CacheVerb.Create(),
            MergeVerb.Create(),
            DistillVerb.Create(),
            CompareVerb.Create(), DynamicsVerb.Create(),
            ExportVerb.Create(),
            ModelsVerb.Create(),
            MethodsVerb.Create(),
            JupyterVerb.Create(),
            DeviceVerb.Create(),
        };
}
