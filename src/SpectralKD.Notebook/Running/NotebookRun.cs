using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Documents.Html;
using SpectralKD.Notebook.Session;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Running;

/// <summary>One run of one notebook: executes cell after cell and saves what there is.</summary>
internal sealed class NotebookRun(
    NotebookDocument notebook, RunTarget target, INotebookSession session, RunOptions options, IProgress<RunProgress>? progress)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30);

    private readonly OutputCollector _outputs = new();
    private readonly List<NotebookCell> _cells = [.. notebook.Cells.Where(IsToExecute)];
    private readonly DateTime _start = DateTime.UtcNow;

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
                _outputs.WithOutputs(() => ErrorBanner.Add(notebook, _cells[number - 1], failure));
                return failure;
            }
        }
        return null;
    }

    /// <summary>Writes what there is; returns what the page leaves out.</summary>
    public IReadOnlyList<string> End(RunFailure? failure)
    {
        RunTimings.EndNotebook(notebook, _start, DateTime.UtcNow, failure is not null);
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
        if (CellLanguages.OtherKernel(CellLanguage.Of(cell, notebook)) is not { } kernel)
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
