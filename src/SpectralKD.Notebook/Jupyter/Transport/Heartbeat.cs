using NetMQ;
using NetMQ.Sockets;

namespace SpectralKD.Notebook.Jupyter.Transport;

/// <summary>Sends back whatever it gets, on a thread of its own: a client sees that the kernel lives also while a cell runs.</summary>
internal sealed class Heartbeat : IDisposable
{
    private readonly RouterSocket _socket;
    private readonly NetMQPoller _poller;

    public Heartbeat(RouterSocket socket)
    {
        _socket = socket;
        _poller = [socket];
        socket.ReceiveReady += (_, _) => Echo();
    }

    public void Start() => _poller.RunAsync("jupyter-heartbeat");

    public void Dispose()
    {
        _poller.Dispose();
        _socket.Dispose();
    }

    private void Echo()
    {
        var frames = new NetMQMessage();
        while (_socket.TryReceiveMultipartMessage(ref frames!))
        {
            _socket.TrySendMultipartMessage(frames);
        }
    }
}
