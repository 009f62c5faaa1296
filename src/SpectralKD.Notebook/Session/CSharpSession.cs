using SpectralKD.Notebook.Session.Scripting;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// A notebook's C#: Roslyn scripting with state from cell to cell, the magic commands of <see cref="SpectralKD.Interactive"/>, and an
/// interrupt that really ends a cell. Several sessions in one process do not see each other. Never touches torch by itself.
/// </summary>
/// <remarks>
/// Survived: endless loops, waits and recursions of the cell's own code, exceptions on threads that a cell has started. Interrupted only
/// when the call returns: a long call into a library that looks at no token, a LINQ query without a lambda of the cell in it; the notebook
/// goes on meanwhile. Not survived, because they end the process: <see cref="Environment.Exit"/>,
/// <see cref="Environment.FailFast(string)"/>, a recursion inside a library, and errors in native code.
/// </remarks>
internal sealed class CSharpSession : INotebookSession
{
    private static int _sessions;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SessionState _state;
    private readonly CarriedScript _carriedScript = new();
    private readonly CarriedScript _carriedMermaid = new();
    private readonly SessionEditor _editor;
    private readonly Lazy<Task> _ready;

    /// <summary>Makes a session; the compiler is warmed up in the background.</summary>
    /// <param name="options">How it is set up; null: the defaults.</param>
    public CSharpSession(CSharpSessionOptions? options = null)
    {
        _state = new SessionState(options ?? new CSharpSessionOptions());
        var loadContext = new SessionLoadContext(Interlocked.Increment(ref _sessions));
        SubmissionChain = new SubmissionChain(Compiler, loadContext, new CellGlobals());
        Variables = new SessionVariables(SubmissionChain, Compiler);
        References = new SessionReferences(Compiler, loadContext);
        Packages = new SessionPackages(Options.WorkingDirectory, References);
        _editor = new SessionEditor(Compiler, new SessionHost(this));
        _ready = new Lazy<Task>(() => Task.Run(Prepare));
        UnhandledExceptions.Install();
        _ = _ready.Value;
    }

    /// <summary>How the session was set up.</summary>
    public CSharpSessionOptions Options => _state.Options;

    /// <summary>The number that the next cell goes by in errors (<c>cell [3]</c>); grows by one with each cell. From 1.</summary>
    public int NextCellNumber { get; set; } = 1;

    /// <summary>The passwords that were typed so far.</summary>
    internal HiddenTexts Hidden => _state.Hidden;

    /// <summary>What was advised about which code: cells that run again are not advised again.</summary>
    internal HashSet<(string Advice, string Code)> Advised { get; } = [];

    internal CellCompiler Compiler { get; } = new(typeof(CellGlobals));

    internal SubmissionChain SubmissionChain { get; }

    internal SessionVariables Variables { get; }

    internal SessionReferences References { get; }

    internal SessionPackages Packages { get; }

    /// <summary>Ends when the first cell can run without waiting for the compiler.</summary>
    public Task WarmUpAsync() => _ready.Value;

    /// <inheritdoc />
    public async Task<CellResult> ExecuteAsync(string code, ICellOutput output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(output);
        await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await _ready.Value.ConfigureAwait(false);
            CellConsole.Install();
            using var run = new CellExecution(_state, NextCellNumber++, output.IsSeen ? WithScripts(output, code) : output, cancellationToken);
            return await RunAsync(code, run).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc />
    public async Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await _ready.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return NestedCode.IsTooDeep(code) ? new Completions(position, position, []) : await _editor.CompleteAsync(code, position, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<MimeBundle?> InspectAsync(string code, int position, CancellationToken cancellationToken = default)
    {
        await _ready.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        return NestedCode.IsTooDeep(code) ? null : await _editor.InspectAsync(code, position, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public CodeCompleteness IsComplete(string code) => Completeness.Of(code);

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _turn.Dispose();
        _editor.Dispose();
        return ValueTask.CompletedTask;
    }

    private ChartScriptOutput WithScripts(ICellOutput output, string code) => new(
        new ChartScriptOutput(output, _carriedScript, code, ChartScript.HasPlace, ChartScript.With), _carriedMermaid, code, MermaidDiagram.HasPlace, MermaidDiagram.With);

    private async Task<CellResult> RunAsync(string code, CellExecution run)
    {
        CellExecution.Current = run;
        try
        {
            var program = new CellProgram(this, run, Options.WorkingDirectory);
            await program.RunAsync(code, $"cell [{run.Number}]").ConfigureAwait(false);
            return new CellResult(run.IsInterrupted ? CellErrors.Interrupted(run, null) : null);
        }
        catch (Exception exception)
        {
            return new CellResult(CellErrors.From(exception, run));
        }
    }

    private void Prepare()
    {
        var formatters = Task.Run(PrepareFormatters);
        foreach (var path in Options.References)
        {
            References.AddAssembly(path);
            References.AddReference(path);
        }

        Compiler.Last = Compiler.CreatePrelude(Options.Imports);
        SubmissionChain.WarmUp(Compiler.Compile("1 + 1", "warm-up", CancellationToken.None));
        formatters.GetAwaiter().GetResult();
    }

    private void PrepareFormatters()
    {
        if (Options.InstallFormatters)
        {
            NotebookExtension.Install();
        }

        MimeBundles.RegisterText();
        MimeBundles.From(2);
    }
}
