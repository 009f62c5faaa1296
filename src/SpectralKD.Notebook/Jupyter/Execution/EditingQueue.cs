using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Execution;

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
