using System.CommandLine;
using SpectralKD.Notebook.Runner;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Cli;

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
        }.ReadBy(text => NotebookParameter.Parse(text));
        var output = new Option<string?>("--out") { Description = "Folder for the executed notebook and its HTML page [executed, beside the notebook]" };
        var trust = new Option<bool>("--trust")
        {
            Description = "Keeps scripts and the like of the notebook's text in the HTML page, and puts images from outside its folder in",
        };
        var skip = new Option<bool>("--skip-unknown") { Description = "Passes over cells of F#, SQL and other languages that do not run here, with a note, instead of ending the run" };
        var allow = new Option<bool>("--allow-errors") { Description = "Goes on after a cell that fails; its error stays in the page, and the exit code is 0" };
        var command = new Command("run", "Executes a notebook; writes it with its outputs, and a self-contained HTML page") { notebook, parameters, output, trust, skip, allow }.PrintsResults();
        command.SetAction((result, cancel) => RunAsync(
            result,
            result.GetRequiredValue(notebook),
            new RunOptions
            {
                OutputFolder = result.GetValue(output),
                TrustText = result.GetValue(trust),
                SkipUnknown = result.GetValue(skip),
                AllowErrors = result.GetValue(allow),
                Parameters = [.. (result.GetValue(parameters) ?? []).Select(NotebookParameter.Parse)],
                StopPatience = Patience,
            },
            cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, string notebook, RunOptions options, CancellationToken cancellationToken)
    {
        var console = result.InvocationConfiguration;
        var answers = new RunAnswers(options.Parameters, Console.In, Console.Error);
        var session = new CSharpSessionOptions { CommandPatience = Patience, SkipUnknown = options.SkipUnknown, Input = answers.AskAsync };
        var run = await NotebookRunner.RunAsync(notebook, () => new CSharpSession(session), options, new RunProgressWriter(console.Error), cancellationToken);
        result.Print(
            () => string.Join(Environment.NewLine, new[] { run.NotebookPath, run.HtmlPath }.OfType<string>()),
            () => new
            {
                Notebook = run.NotebookPath,
                Html = run.HtmlPath,
                run.Succeeded,
                Errors = run.Allowed.Append(run.Failure).OfType<RunFailure>().Select(failed => new { Cell = failed.ExecutionCount, failed.Error.Name, failed.Error.Message, Stopped = failed.Cancelled }),
                run.Warnings,
            });
        if (run.Allowed.Count > 0)
        {
            await console.Error.WriteLineAsync($"warning: {run.Allowed.Count} cell{(run.Allowed.Count == 1 ? "" : "s")} failed ({string.Join(", ", run.Allowed.Select(failed => $"[{failed.ExecutionCount}]"))}) and the run went on, as --allow-errors asks");
        }

        if (run.Failure is { } failure)
        {
            await console.Error.WriteLineAsync($"spectralkd: cell [{failure.ExecutionCount}] {(failure.Cancelled ? "was stopped" : "failed")}: {failure.Error.Message}");
        }

        return run.Succeeded ? 0 : run.Failure!.Cancelled ? CommandLine.Stopped : 1;
    }
}

/// <summary>Answers what cells ask for: by the parameter of that name, or by whoever sits at the terminal.</summary>
internal sealed class RunAnswers(IReadOnlyList<NotebookParameter> parameters, TextReader input, TextWriter error)
{
    public async Task<string?> AskAsync(InputRequest request, CancellationToken cancellationToken)
    {
        if (request.Variable.Length > 0 && parameters.LastOrDefault(parameter => parameter.Name == request.Variable) is { } given)
        {
            return given.Text;
        }

        if (Console.IsInputRedirected)
        {
            throw new SpectralKDException($"this cell asks for input, but nobody can answer here: run it in a terminal or in Jupyter, or {request.OtherWay}");
        }

        await error.WriteAsync(request.Prompt.Length == 0 ? "input: " : request.Prompt.TrimEnd() + " ");
        return await Task.Run(() => request.IsPassword ? ReadUnseen() : input.ReadLine(), cancellationToken).WaitAsync(cancellationToken);
    }

    private string ReadUnseen()
    {
        var typed = new System.Text.StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                typed.Append(key.KeyChar);
            }
        }

        error.WriteLine();
        return typed.ToString();
    }
}

/// <summary>Writes a line for each cell: number, first line of the source, time.</summary>
internal sealed class RunProgressWriter(TextWriter error) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => error.WriteLine(value.Stage switch
    {
        RunStage.Warning => $"warning: {value.Text}",
        RunStage.Started => $"[{value.Cell}/{value.Cells}] {value.Text}",
        RunStage.Completed => $"[{value.Cell}/{value.Cells}] done in {Durations.Text(value.Elapsed)}",
        RunStage.Cancelled => $"[{value.Cell}/{value.Cells}] stopped after {Durations.Text(value.Elapsed)}",
        _ => $"[{value.Cell}/{value.Cells}] failed after {Durations.Text(value.Elapsed)}: {value.Text}",
    });
}
