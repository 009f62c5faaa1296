using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Handling;
using SpectralKD.Notebook.Jupyter.Transport;
using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session;
using SpectralKD.Notebook.Session.Running;

namespace SpectralKD.Notebook.Jupyter;

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
        using var surroundings = new KernelSurroundings(_running, _iopub, _transport, _writer, _life);
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
