namespace SpectralKD.Notebook.Runner;

/// <summary>Executes notebooks unattended, by papermill's conventions (https://papermill.readthedocs.io).</summary>
internal static class NotebookRunner
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
        using var surroundings = new RunEnvironment(options.WorkingDirectory);
        await using var session = startSession();
        var run = new NotebookRun(notebook, target, session, options, progress);
        run.Begin(path, AskedParameters.Masked(options.Parameters, AskedParameters.In(notebook)), warnings);
        var failure = await run.ExecuteAsync(cancellationToken).ConfigureAwait(false);
        var leftOut = run.End(failure);
        return new RunResult(target.NotebookPath, target.HtmlPath, failure, [.. warnings, .. leftOut]) { Allowed = run.Allowed };
    }
}

/// <summary>How a notebook is executed unattended.</summary>
internal sealed record RunOptions
{
    /// <summary>Where the executed notebook and its HTML page go; null: <c>executed</c> beside the notebook.</summary>
    public string? OutputFolder { get; init; }

    /// <summary>Values for the notebook's parameters, as papermill takes them.</summary>
    public IReadOnlyList<NotebookParameter> Parameters { get; init; } = [];

    /// <summary>The current directory while cells run; null: unchanged, as papermill leaves it.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// How long the cell that runs at a stop may take to end, which for a training means to end its step and to write a checkpoint, before the run
    /// ends without it.
    /// </summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>True: cells in languages that do not run here (F#, SQL, …) are passed over with a note; the session is to be set up likewise.</summary>
    public bool SkipUnknown { get; init; }

    /// <summary>True: the run goes on after a cell that fails, as nbconvert's option of that name has it.</summary>
    public bool AllowErrors { get; init; }

    /// <summary>False: no HTML page.</summary>
    public bool WriteHtml { get; init; } = true;

    /// <summary>
    /// True: scripts and the like in the notebook's text go into the HTML page, and images that it names from anywhere on the disk. What the
    /// executed cells show is live in either case.
    /// </summary>
    public bool TrustText { get; init; }
}

/// <summary>What a run reports while it works.</summary>
/// <param name="Cell">1-based number among the cells to execute; 0 for a warning.</param>
/// <param name="Cells">How many cells are to be executed.</param>
/// <param name="Stage">What happened.</param>
/// <param name="Text">The cell's first line, the error, or the warning: one line.</param>
/// <param name="Elapsed">How long the cell has run.</param>
internal sealed record RunProgress(int Cell, int Cells, RunStage Stage, string Text, TimeSpan Elapsed);

/// <summary>What a <see cref="RunProgress"/> tells.</summary>
internal enum RunStage
{
    /// <summary>Something to know about the notebook or its parameters.</summary>
    Warning,

    /// <summary>The cell begins.</summary>
    Started,

    /// <summary>The cell succeeded and its outputs are saved.</summary>
    Completed,

    /// <summary>The cell failed; what ran so far is saved.</summary>
    Failed,

    /// <summary>The run was stopped in this cell; what ran so far is saved.</summary>
    Cancelled,
}

/// <summary>How a run ended. The executed notebook is there in every case.</summary>
/// <param name="NotebookPath">The executed notebook.</param>
/// <param name="HtmlPath">Its HTML page; null where none was asked for.</param>
/// <param name="Failure">The cell that failed or was stopped; null where all succeeded.</param>
/// <param name="Warnings">What the user should know, one line each.</param>
internal sealed record RunResult(string NotebookPath, string? HtmlPath, RunFailure? Failure, IReadOnlyList<string> Warnings)
{
    /// <summary>The cells that failed and were passed over (<see cref="RunOptions.AllowErrors"/>).</summary>
    public IReadOnlyList<RunFailure> Allowed { get; init; } = [];

    /// <summary>True where every cell ran to its end, or its failure was allowed.</summary>
    public bool Succeeded => Failure is null;
}

/// <summary>Where and why a run stopped.</summary>
/// <param name="ExecutionCount">The number in the cell's <c>In [n]</c>.</param>
/// <param name="Error">The cell's error.</param>
/// <param name="Cancelled">True where the run was stopped from outside.</param>
internal sealed record RunFailure(int ExecutionCount, CellError Error, bool Cancelled);

/// <summary>The files that a run writes.</summary>
/// <param name="NotebookPath">The executed notebook, absolute.</param>
/// <param name="HtmlPath">Its HTML page, absolute; null where none is written.</param>
/// <param name="Trust">What of the notebook may be live in the page.</param>
internal sealed record RunTarget(string NotebookPath, string? HtmlPath, PageTrust Trust)
{
    public static RunTarget For(string notebook, RunOptions options)
    {
        var source = Path.GetFullPath(notebook);
        var folder = Path.GetFullPath(options.OutputFolder ?? Path.Combine(Path.GetDirectoryName(source)!, "executed"));
        var name = Path.GetFileNameWithoutExtension(source);
        var target = Path.Combine(folder, name + ".ipynb");
        if (string.Equals(target, source, StringComparison.OrdinalIgnoreCase))
        {
            throw new SpectralKDException($"the executed notebook would overwrite {notebook} itself; choose another output folder with --out");
        }
        return new RunTarget(target, options.WriteHtml ? Path.Combine(folder, name + ".html") : null, options.TrustText ? PageTrust.Everything : PageTrust.Outputs);
    }
}

/// <summary>The process's current directory for the time of a run; disposing restores it.</summary>
internal sealed class RunEnvironment : IDisposable
{
    private readonly string _earlier = Environment.CurrentDirectory;

    public RunEnvironment(string? workingDirectory)
    {
        if (workingDirectory is null)
        {
            return;
        }
        if (!Directory.Exists(workingDirectory))
        {
            throw new SpectralKDException($"there is no folder {workingDirectory} to run the notebook in");
        }
        Environment.CurrentDirectory = workingDirectory;
    }

    public void Dispose() => Environment.CurrentDirectory = _earlier;
}
