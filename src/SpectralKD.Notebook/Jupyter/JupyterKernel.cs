namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// A Jupyter kernel: speaks the messaging protocol 5.3 (https://jupyter-client.readthedocs.io/en/latest/messaging.html) for a notebook
/// session, so that notebooks run in VS Code, JupyterLab, Jupyter Notebook, nbclient and papermill.
/// </summary>
internal static class JupyterKernel
{
    private const int ThreadsAtOnce = 64;

    /// <summary>Serves clients until one of them shuts the kernel down, the program that started it is gone, or the token fires.</summary>
    /// <param name="connectionFile">The file in which Jupyter gives ports and key (<c>{connection_file}</c> in a kernelspec).</param>
    /// <param name="startSession">Starts the session that executes the cells; it gets what asks the user for input.</param>
    /// <param name="log">Hears about dropped messages and the like, one line each; null: standard error.</param>
    /// <param name="cancellationToken">Ends the kernel.</param>
    /// <exception cref="SpectralKDException">The connection file is unusable, or a port is taken.</exception>
    public static async Task RunAsync(
        string connectionFile,
        Func<Func<InputRequest, CancellationToken, Task<string?>>, INotebookSession> startSession,
        Action<string>? log = null,
        CancellationToken cancellationToken = default)
    {
        var connection = ConnectionFile.Read(connectionFile);
        MakeRoomBesideCells();
        var error = Console.Error;
        await using var kernel = new RunningKernel(connection, startSession, log ?? (line => error.WriteLine($"spectralkd kernel: {line}")));
        await kernel.ServeAsync(cancellationToken).ConfigureAwait(false);
    }

    // The pool gives a thread beyond the processors' number every half second only: a cell that starts thirty endless tasks would hold up its own interrupt.
    private static void MakeRoomBesideCells()
    {
        ThreadPool.GetMinThreads(out var workers, out var completionPorts);
        ThreadPool.SetMinThreads(Math.Max(workers, ThreadsAtOnce), completionPorts);
    }
}

/// <summary>A kernel at work: sockets, session and the handlers between them.</summary>
internal sealed class RunningKernel : IAsyncDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly KernelTransport _transport;
    private readonly RunningCell _running = new();
    private readonly ShellQueue _queue = new();
    private readonly EditingQueue _editing = new();
    private readonly KernelLife _life = new();
    private readonly MessageWriter _writer = new();
    private readonly IopubPublisher _iopub;
    private readonly INotebookSession _session;
    private readonly MessageDispatcher _shell;
    private readonly MessageDispatcher _control;

    public RunningKernel(
        ConnectionFile connection, Func<Func<InputRequest, CancellationToken, Task<string?>>, INotebookSession> startSession, Action<string> log)
    {
        _transport = new KernelTransport(connection, new MessageCodec(new MessageSigner(connection.Key)));
        _iopub = new IopubPublisher(_transport.Iopub, _writer);
        _session = startSession(new InputChannel(_transport.Stdin, _writer, _running).AskAsync);
        _shell = new MessageDispatcher(_transport.Shell, _iopub, _writer, log, ShellHandlers());
        _control = new MessageDispatcher(_transport.Control, _iopub, _writer, log, ControlHandlers());
        _transport.Shell.Received = Enqueue;
        _transport.Control.Received = request => _control.DispatchAsync(request).GetAwaiter().GetResult();
        foreach (var channel in (MessageChannel[])[_transport.Shell, _transport.Control, _transport.Stdin, _transport.Iopub])
        {
            channel.Dropped = log;
        }
    }

    public async Task ServeAsync(CancellationToken cancellationToken)
    {
        using var ended = cancellationToken.Register(_life.End);
        using var surroundings = new KernelEnvironment(_running, _iopub, _transport, _writer, _life);
        _transport.Start();
        _iopub.Status(null, "starting");
        _iopub.Status(null, "idle");
        var serving = Task.WhenAll(ServeShellAsync(), ServeEditingAsync());
        await _life.Ended.ConfigureAwait(false);
        _queue.Close();
        _editing.Close();
        _running.Interrupt();
        await Task.WhenAny(serving, Task.Delay(Farewell, CancellationToken.None)).ConfigureAwait(false);
        _transport.Flush(Farewell);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAny(_session.DisposeAsync().AsTask(), Task.Delay(Farewell)).ConfigureAwait(false);
        _transport.Dispose();
    }

    private IReadOnlyList<IMessageHandler> ShellHandlers()
    {
        var history = new KernelHistory();
        return
        [
            new KernelInfoHandler(),
            new ExecuteHandler(_session, _iopub, _running, history, _queue),
            new CompleteHandler(_session),
            new InspectHandler(_session),
            new IsCompleteHandler(_session),
            new HistoryHandler(history),
            new CommInfoHandler(),
            new CommOpenHandler(_iopub),
            new IgnoredHandler("comm_msg"),
            new IgnoredHandler("comm_close"),
            new InterruptHandler(_running),
            new ShutdownHandler(_iopub, _running, _life),
        ];
    }

    private IReadOnlyList<IMessageHandler> ControlHandlers()
        => [new KernelInfoHandler(), new InterruptHandler(_running), new ShutdownHandler(_iopub, _running, _life)];

    private void Enqueue(JupyterMessage request)
    {
        if (EditingQueue.Takes(request))
        {
            _editing.Add(request);
        }
        else
        {
            _queue.Add(request);
        }
    }

    private async Task ServeEditingAsync()
    {
        await Task.Yield();
        await foreach (var request in _editing.ReadAsync().ConfigureAwait(false))
        {
            await _shell.DispatchBesideAsync(request).ConfigureAwait(false);
        }
    }

    private async Task ServeShellAsync()
    {
        await Task.Yield();
        await foreach (var (request, isCalledOff) in _queue.ReadAsync().ConfigureAwait(false))
        {
            await (isCalledOff ? _shell.CallOffAsync(request) : _shell.DispatchAsync(request)).ConfigureAwait(false);
        }
    }
}
