using System.CommandLine;
using SpectralKD.Cli.Commands;

namespace SpectralKD.Cli;

/// <summary>The <c>spectralkd</c> command: results on stdout, progress and errors on stderr, exit code 0 or not.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, InvocationConfiguration configuration)
    {
        try
        {
            return await Root().Parse(args).InvokeAsync(configuration);
        }
        catch (SpectralKDException e)
        {
            await configuration.Error.WriteLineAsync($"spectralkd: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            await configuration.Error.WriteLineAsync("spectralkd: stopped");
            return 130;
        }
    }

    public static RootCommand Root() =>
        new("Spectral analysis of vision transformers and spectral distillation (SpectralKD, arXiv 2412.19055)")
        {
            RunVerb.Create(),
            AnalyzeVerb.Create(),
            MergeVerb.Create(),
            DistillVerb.Create(),
            ExportVerb.Create(),
            ModelsVerb.Create(),
            JupyterVerb.Create(),
            DeviceVerb.Create(),
        };
}
