using System.Threading.Channels;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Execution;

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
