using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>Requests on the shell channel wait here for their turn; after a failure those already waiting can be called off.</summary>
internal sealed class ShellQueue
{
    private readonly Channel<(long Number, JupyterMessage Request)> _channel
        = Channel.CreateUnbounded<(long, JupyterMessage)>(new UnboundedChannelOptions { SingleReader = true });

    private long _last;
    private long _calledOffThrough;

    public void Add(JupyterMessage request) => _channel.Writer.TryWrite((Interlocked.Increment(ref _last), request));

    /// <summary>Calls off the execute requests that wait now; what comes later is executed.</summary>
    public void CallOffWaiting() => Volatile.Write(ref _calledOffThrough, Volatile.Read(ref _last));

    /// <summary>No more requests.</summary>
    public void Close() => _channel.Writer.TryComplete();

    /// <summary>The requests in order, each with whether it was called off meanwhile.</summary>
    public async IAsyncEnumerable<(JupyterMessage Request, bool IsCalledOff)> ReadAsync()
    {
        await foreach (var (number, request) in _channel.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            yield return (request, number <= Volatile.Read(ref _calledOffThrough) && request.Type == "execute_request");
        }
    }
}

/// <summary>
/// Requests for completion and inspection wait here, beside the cells: they neither wait for the cell that runs nor delay the next one. A newer request of
/// the same client and kind overtakes the one before, which nobody looks at any more: that one is still answered, at once and with nothing.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source may be asked for its token after it was overtaken; it holds no handle.")]
internal sealed class EditingQueue
{
    private const int MostClients = 1000;

    private readonly Channel<JupyterMessage> _channel = Channel.CreateUnbounded<JupyterMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, CancellationTokenSource> _latest = [];

    /// <summary>True for the requests that belong here.</summary>
    public static bool Takes(JupyterMessage request) => request.Type is "complete_request" or "inspect_request";

    /// <summary>Adds a request.</summary>
    public void Add(JupyterMessage request)
    {
        var kind = string.Join('/', request.Identities.Select(Convert.ToHexString).Prepend(request.Type));
        var source = new CancellationTokenSource();
        lock (_latest)
        {
            if (_latest.Remove(kind, out var earlier))
            {
                CallOff(earlier);
            }

            if (_latest.Count >= MostClients)
            {
                _latest.Clear();
            }

            _latest[kind] = source;
        }

        _channel.Writer.TryWrite(request with { Overtaken = source.Token });
    }

    /// <summary>No more requests; those that wait are answered with nothing.</summary>
    public void Close()
    {
        _channel.Writer.TryComplete();
        lock (_latest)
        {
            _latest.Values.ToList().ForEach(CallOff);
        }
    }

    /// <summary>The requests in order.</summary>
    public IAsyncEnumerable<JupyterMessage> ReadAsync() => _channel.Reader.ReadAllAsync();

    // What the request waits for would go on right here, on the socket's thread.
    private static void CallOff(CancellationTokenSource source) => _ = Task.Run(source.Cancel);
}
