using System.CommandLine;
using SpectralKD.Notebook.Running;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Cli.Commands;

/// <summary><c>spectralkd run</c>: executes a notebook unattended.</summary>
internal static class RunVerb
{
    // For a step of training to end: who cannot wait sends a second signal.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static Command Create()
    {
        var notebook = new Argument<string>("notebook") { Description = "The .ipynb or .dib file; it is not changed" };
        var parameters = new Option<string[]>("--parameter", "-p")
        {
            Description = "name=value for the cell tagged \"parameters\" (papermill's convention); may be given several times",
            HelpName = "name=value",
        };
        var output = new Option<string?>("--out") { Description = "Folder for the executed notebook and its HTML page [executed, beside the notebook]" };
        var trust = new Option<bool>("--trust")
        {
            Description = "Keeps scripts and the like of the notebook's text in the HTML page, and puts images from outside its folder in",
        };
        var command = new Command("run", "Executes a notebook; writes it with its outputs, and a self-contained HTML page") { notebook, parameters, output, trust };
        command.SetAction((result, cancel) => RunAsync(
            result.GetRequiredValue(notebook), result.GetValue(parameters) ?? [], result.GetValue(output), result.GetValue(trust), result.InvocationConfiguration, cancel));
        return command;
    }

    private static async Task<int> RunAsync(
        string notebook, string[] parameters, string? output, bool trust, InvocationConfiguration console, CancellationToken cancellationToken)
    {
        var options = new RunOptions
        {
            OutputFolder = output,
            TrustText = trust,
            Parameters = [.. parameters.Select(NotebookParameter.Parse)],
            StopPatience = Patience,
        };
        var run = await NotebookRunner.RunAsync(
            notebook, () => new CSharpSession(new CSharpSessionOptions { CommandPatience = Patience }), options, new RunProgressWriter(console.Error), cancellationToken);
        await console.Output.WriteLineAsync(run.NotebookPath);
        if (run.HtmlPath is not null)
        {
            await console.Output.WriteLineAsync(run.HtmlPath);
        }

        if (run.Failure is { } failure)
        {
            await console.Error.WriteLineAsync($"spectralkd: cell [{failure.ExecutionCount}] {(failure.Cancelled ? "was stopped" : "failed")}: {failure.Error.Message}");
        }

        return run.Succeeded ? 0 : run.Failure!.Cancelled ? CommandLine.Stopped : 1;
    }
}

/// <summary>Writes a line for each cell: number, first line of the source, time.</summary>
internal sealed class RunProgressWriter(TextWriter error) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => error.WriteLine(value.Stage switch
    {
        RunStage.Warning => $"warning: {value.Text}",
        RunStage.Started => $"[{value.Cell}/{value.Cells}] {value.Text}",
        RunStage.Completed => $"[{value.Cell}/{value.Cells}] done in {value.Elapsed.TotalSeconds:0.0} s",
        RunStage.Cancelled => $"[{value.Cell}/{value.Cells}] stopped after {value.Elapsed.TotalSeconds:0.0} s",
        _ => $"[{value.Cell}/{value.Cells}] failed after {value.Elapsed.TotalSeconds:0.0} s: {value.Text}",
    });
}
