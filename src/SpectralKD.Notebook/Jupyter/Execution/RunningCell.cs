using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>The request that is being executed, if any, and the switch that interrupts it from another thread.</summary>
[SuppressMessage("Design", "CA1001", Justification = "An interrupt may be on its way through the source when the cell ends; it holds no handle.")]
internal sealed class RunningCell
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _source;

    /// <summary>The request being executed, or the last one that was.</summary>
    public JupyterMessage? Latest { get; private set; }

    /// <summary>True between begin and end.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _source is not null;
            }
        }
    }

    /// <summary>Begins an execution; the token fires on interrupt.</summary>
    public CancellationToken Begin(JupyterMessage request)
    {
        lock (_gate)
        {
            Latest = request;
            _source = new CancellationTokenSource();
            return _source.Token;
        }
    }

    /// <summary>Ends it.</summary>
    public void End()
    {
        lock (_gate)
        {
            _source = null;
        }
    }

    /// <summary>Interrupts what runs; nothing happens where nothing does. Does not wait, neither for a thread of the pool: the cell may have taken all.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            if (_source is { } source)
            {
                _ = Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
        }
    }
}

/// <summary>Asks the client whose cell runs for a line of text (<c>input_request</c> on stdin), and waits for its answer or an interrupt.</summary>
internal sealed class InputChannel
{
    private readonly MessageChannel _stdin;
    private readonly MessageWriter _writer;
    private readonly RunningCell _running;
    private TaskCompletionSource<string>? _answer;

    public InputChannel(MessageChannel stdin, MessageWriter writer, RunningCell running)
    {
        _stdin = stdin;
        _writer = writer;
        _running = running;
        stdin.Received = Answer;
    }

    public async Task<string?> AskAsync(InputRequest request, CancellationToken cancellationToken)
    {
        var cell = _running.Latest;
        if (cell is null || !cell.Flag("allow_stdin", otherwise: true))
        {
            throw new SpectralKDException($"this cell asks for input, but the program that runs the notebook takes none: {request.OtherWay}");
        }
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _answer, answer)?.TrySetCanceled(CancellationToken.None);
        var content = new JsonObject { ["prompt"] = request.Prompt, ["password"] = request.IsPassword };
        _stdin.Send(_writer.Reply(cell, "input_request", content));
        return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // An answer to a question that was given up (or never asked) is dropped.
    private void Answer(JupyterMessage message)
    {
        if (message.Type == "input_reply")
        {
            var value = message.Text("value");
            Interlocked.Exchange(ref _answer, null)?.TrySetResult(value);
        }
    }
}
