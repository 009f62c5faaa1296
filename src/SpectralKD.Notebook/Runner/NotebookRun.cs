using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Runner;

/// <summary>One run of one notebook: executes cell after cell and saves what there is.</summary>
internal sealed class NotebookRun(
    NotebookDocument notebook, RunTarget target, INotebookSession session, RunOptions options, IProgress<RunProgress>? progress)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30);

    private readonly OutputCollector _outputs = new();
    private readonly List<NotebookCell> _cells = [.. notebook.Cells.Where(IsToExecute)];
    private readonly DateTime _start = DateTime.UtcNow;

    /// <summary>The cells that failed and were passed over.</summary>
    public List<RunFailure> Allowed { get; } = [];

    public void Begin(string input, IReadOnlyList<NotebookParameter> parameters, IReadOnlyList<string> warnings)
    {
        Warn(warnings);
        RunTimings.BeginNotebook(notebook, input, target.NotebookPath, parameters, _start);
        _cells.ForEach(RunTimings.Pending);
        Save();
    }

    /// <summary>Executes the cells; null where all of them succeeded.</summary>
    public async Task<RunFailure?> ExecuteAsync(CancellationToken cancellationToken)
    {
        for (var number = 1; number <= _cells.Count; number++)
        {
            var error = await ExecuteAsync(number, cancellationToken).ConfigureAwait(false);
            if (error is not null)
            {
                var failure = new RunFailure(number, error, cancellationToken.IsCancellationRequested);
                if (options.AllowErrors && !failure.Cancelled)
                {
                    Allowed.Add(failure);
                    continue;
                }

                _outputs.WithOutputs(() => ErrorBanner.Add(notebook, _cells[number - 1], failure));
                return failure;
            }
        }
        return null;
    }

    /// <summary>Writes what there is; returns what the page leaves out.</summary>
    public IReadOnlyList<string> End(RunFailure? failure)
    {
        RunTimings.EndNotebook(notebook, _start, DateTime.UtcNow, failure is not null || Allowed.Count > 0);
        Save();
        IReadOnlyList<string> leftOut = [];
        if (target.HtmlPath is not null)
        {
            _outputs.WithOutputs(() => leftOut = HtmlPage.Write(notebook, target.HtmlPath, target.Trust));
        }
        Warn(leftOut);
        return leftOut;
    }

    private void Warn(IReadOnlyList<string> warnings)
    {
        foreach (var warning in warnings)
        {
            progress?.Report(new RunProgress(0, _cells.Count, RunStage.Warning, warning, TimeSpan.Zero));
        }
    }

    private static bool IsToExecute(NotebookCell cell)
        => cell.Kind == CellKind.Code && !string.IsNullOrWhiteSpace(cell.Source) && !cell.Tags.Contains("skip-execution");

    private async Task<CellError?> ExecuteAsync(int number, CancellationToken cancellationToken)
    {
        var cell = _cells[number - 1];
        var start = DateTime.UtcNow;
        Report(number, RunStage.Started, FirstLine(cell), start);
        cell.ExecutionCount = number;
        RunTimings.Running(cell, start);
        var output = _outputs.For(cell, number);
        var result = await ExecuteAsync(cell, number, output, cancellationToken).ConfigureAwait(false);
        var error = Judge(cell, output, result);
        _outputs.WithOutputs(() => RunTimings.Ended(cell, start, DateTime.UtcNow, result.Error is not null));
        Save();
        var stage = error is null ? RunStage.Completed : cancellationToken.IsCancellationRequested ? RunStage.Cancelled : RunStage.Failed;
        Report(number, stage, error is null ? FirstLine(cell) : $"{error.Name}: {error.Message}", start);
        return error;
    }

    private async Task<CellResult> ExecuteAsync(NotebookCell cell, int number, CellOutputCollector output, CancellationToken cancellationToken)
    {
        var code = CellLanguage.Submission(cell, notebook);
        foreach (var language in options.SkipUnknown ? CellLanguages.ForeignIn(code) : [])
        {
            Warn([$"cell [{number}]: {CellLanguages.Skipped(language).TrimEnd()}"]);
        }

        // A kernel that another notebook host was told of goes by any name, which no line of the cell's explains.
        if (Languages.OtherKernel(CellLanguage.Of(cell, notebook)) is not { } kernel)
        {
            return await ExecuteSavingAsync(code, output, cancellationToken).ConfigureAwait(false);
        }

        if (!options.SkipUnknown)
        {
            var error = CellLanguages.NotHere(kernel).Message;
            return new CellResult(new CellError("SpectralKDError", error, [error]));
        }

        output.Stream("stderr", CellLanguages.Skipped(kernel));
        return new CellResult(null);
    }

    private static CellError? Judge(NotebookCell cell, CellOutputCollector output, CellResult result)
    {
        if (result.Error is not null)
        {
            output.Error(result.Error);
        }
        return cell.Tags.Contains("raises-exception") && result.Error is not { Name: "Interrupted" } ? null : result.Error;
    }

    // A kill in the middle of a long cell must not lose what it has shown so far; a kill often follows a stop that takes long.
    private async Task<CellResult> ExecuteSavingAsync(string code, ICellOutput output, CancellationToken cancellationToken)
    {
        var running = SafelyAsync(code, output, cancellationToken);
        var ended = Task.WhenAny(running, GraceAfterAsync(running, cancellationToken));
        var next = Task.Delay(SaveEvery, cancellationToken);
        while (await Task.WhenAny(ended, next).ConfigureAwait(false) != ended)
        {
            Save();
            next = Task.Delay(SaveEvery, cancellationToken.IsCancellationRequested ? CancellationToken.None : cancellationToken);
        }
        return running.IsCompleted
            ? await running.ConfigureAwait(false)
            : new CellResult(new CellError("Interrupted", $"the cell did not stop within {options.StopPatience.TotalSeconds:0} s and was left behind", []));
    }

    private async Task<CellResult> SafelyAsync(string code, ICellOutput output, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new CellResult(new CellError("Interrupted", "the run was stopped before this cell", []));
        }
        try
        {
            return await Task.Run(() => session.ExecuteAsync(code, output, cancellationToken), CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new CellResult(new CellError("Interrupted", "the cell was stopped", []));
        }
#pragma warning disable CA1031 // Whatever the session does, what ran so far is to be saved.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return new CellResult(new CellError(error.GetType().Name, error.Message.ReplaceLineEndings(" "), error.ToString().Split('\n')));
        }
    }

    private async Task GraceAfterAsync(Task running, CancellationToken cancellationToken)
    {
        await Task.WhenAny(running, Task.Delay(Timeout.Infinite, cancellationToken)).ConfigureAwait(false);
        await Task.WhenAny(running, Task.Delay(options.StopPatience, CancellationToken.None)).ConfigureAwait(false);
    }

    private void Save() => _outputs.WithOutputs(() => notebook.Save(target.NotebookPath));

    private void Report(int number, RunStage stage, string text, DateTime start)
        => progress?.Report(new RunProgress(number, _cells.Count, stage, text, DateTime.UtcNow - start));

    private static string FirstLine(NotebookCell cell)
        => cell.Source.Split('\n').Select(line => line.Trim()).First(line => line.Length > 0);
}

/// <summary>Takes the traces of an earlier run out of a notebook: outputs, counts and error banners.</summary>
internal static class EarlierRun
{
    public static void Clear(NotebookDocument notebook)
    {
        foreach (var banner in notebook.Cells.Where(cell => cell.Tags.Contains(ErrorBanner.Tag)).ToList())
        {
            notebook.Remove(banner);
        }
        foreach (var cell in notebook.Cells.Where(cell => cell.Kind == CellKind.Code))
        {
            cell.Outputs = [];
            cell.ExecutionCount = null;
        }
    }
}

/// <summary>Marks a failed notebook: a banner at the top that leads to the cell, and one above the cell. The tag is papermill's.</summary>
internal static class ErrorBanner
{
    public const string Tag = "papermill-error-cell-tag";

    // Where an editor lets no variable through, the first colour stays.
    private const string Style = "color:#c62828; color:var(--vscode-errorForeground,var(--jp-error-color1,#c62828)); font-size:1.4em; font-weight:600;";

    public static void Add(NotebookDocument notebook, NotebookCell failed, RunFailure failure)
    {
        var label = string.Create(CultureInfo.InvariantCulture, $"In&nbsp;[{failure.ExecutionCount}]");
        var what = failure.Cancelled ? "This run was stopped" : "This run failed";
        var above = $"<span id=\"papermill-error-cell\" style=\"{Style}\">{what} here; the cells below were not executed.</span>";
        var top = $"<span style=\"{Style}\">{what} at <a href=\"#papermill-error-cell\">{label}</a>: "
            + $"{WebUtility.HtmlEncode(failure.Error.Message.ReplaceLineEndings(" "))}</span>";
        notebook.Insert(notebook.Cells.ToList().IndexOf(failed), NotebookCell.Markdown(above, Tag));
        notebook.Insert(0, NotebookCell.Markdown(top, Tag));
    }
}

/// <summary>Writes when things ran where papermill and nbclient write it, so that their tools read it.</summary>
internal static class RunTimings
{
    public static void BeginNotebook(NotebookDocument notebook, string input, string output, IReadOnlyList<NotebookParameter> parameters, DateTime start)
    {
        var values = new JsonObject();
        foreach (var parameter in parameters)
        {
            values[parameter.Name] = JsonValue.Create(parameter.Value);
        }
        notebook.Metadata.SetSorted("papermill", new JsonObject
        {
            ["default_parameters"] = new JsonObject(),
            ["duration"] = null,
            ["end_time"] = null,
            ["environment_variables"] = new JsonObject(),
            ["exception"] = null,
            ["input_path"] = input,
            ["output_path"] = output,
            ["parameters"] = values,
            ["start_time"] = Iso(start),
            ["version"] = $"spectralkd {typeof(RunTimings).Assembly.GetName().Version?.ToString(3)}",
        });
    }

    public static void EndNotebook(NotebookDocument notebook, DateTime start, DateTime end, bool failed)
    {
        var papermill = (JsonObject)notebook.Metadata["papermill"]!;
        papermill["duration"] = Seconds(end - start);
        papermill["end_time"] = Iso(end);
        papermill["exception"] = failed ? true : null;
    }

    public static void Pending(NotebookCell cell) => Set(cell, "pending", null, null, null);

    public static void Running(NotebookCell cell, DateTime start) => Set(cell, "running", start, null, null);

    public static void Ended(NotebookCell cell, DateTime start, DateTime end, bool failed)
    {
        Set(cell, failed ? "failed" : "completed", start, end, failed);
        cell.Metadata.SetSorted("execution", new JsonObject
        {
            ["iopub.execute_input"] = Iso(start) + "Z",
            ["iopub.status.busy"] = Iso(start) + "Z",
            ["iopub.status.idle"] = Iso(end) + "Z",
            ["shell.execute_reply"] = Iso(end) + "Z",
        });
    }

    private static void Set(NotebookCell cell, string status, DateTime? start, DateTime? end, bool? failed) => cell.Metadata.SetSorted("papermill", new JsonObject
    {
        ["duration"] = end is null ? null : Seconds(end.Value - start!.Value),
        ["end_time"] = end is null ? null : Iso(end.Value),
        ["exception"] = failed,
        ["start_time"] = start is null ? null : Iso(start.Value),
        ["status"] = status,
    });

    private static string Iso(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    private static double Seconds(TimeSpan duration) => Math.Round(duration.TotalSeconds, 6);
}
