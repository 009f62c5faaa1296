using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Running;

/// <summary>Executes notebooks unattended, by papermill's conventions (https://papermill.readthedocs.io).</summary>
public static class NotebookRunner
{
    /// <summary>
    /// Executes a notebook's code cells in order and writes the executed notebook and a self-contained HTML page. It stops at the
    /// first cell that fails (unless tagged <c>raises-exception</c>); what ran so far is saved after every cell and every 30 seconds.
    /// Cells tagged <c>skip-execution</c> are left alone.
    /// </summary>
    /// <param name="path">An <c>.ipynb</c> (nbformat 4) or <c>.dib</c> file; it is not changed.</param>
    /// <param name="startSession">Starts the session that executes the cells; disposed at the end.</param>
    /// <param name="options">Output folder, parameters; null: the defaults.</param>
    /// <param name="progress">Hears when cells begin and end.</param>
    /// <param name="cancellationToken">Interrupts the running cell, saves what there is and ends the run as cancelled.</param>
    /// <returns>Where the results are and how the run ended; a failing cell is no exception.</returns>
    /// <exception cref="SpectralKDException">The notebook or a parameter is unusable, or the results cannot be written.</exception>
    public static async Task<RunResult> RunAsync(
        string path,
        Func<INotebookSession> startSession,
        RunOptions? options = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new RunOptions();
        var target = RunTarget.For(path, options);
        var notebook = NotebookDocument.Load(path);
        EarlierRun.Clear(notebook);
        IReadOnlyList<string> warnings = [.. notebook.Notes.Select(note => $"{path}: {note}"), .. ParameterInjection.Apply(notebook, options.Parameters)];
        using var surroundings = new RunSurroundings(options.WorkingDirectory);
        await using var session = startSession();
        var run = new NotebookRun(notebook, target, session, options, progress);
        run.Begin(path, AskedParameters.Masked(options.Parameters, AskedParameters.In(notebook)), warnings);
        var failure = await run.ExecuteAsync(cancellationToken).ConfigureAwait(false);
        var leftOut = run.End(failure);
        return new RunResult(target.NotebookPath, target.HtmlPath, failure, [.. warnings, .. leftOut]);
    }
}
