using NetMQ;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Transport;

/// <summary>One socket that speaks Jupyter messages: sends from any thread through a queue, receives on its poller's thread.</summary>
internal sealed class MessageChannel : IDisposable
{
    private readonly NetMQSocket _socket;
    private readonly MessageCodec _codec;
    private readonly NetMQQueue<JupyterMessage> _outgoing = new();
    private int _waiting;

    public MessageChannel(NetMQSocket socket, MessageCodec codec)
    {
        _socket = socket;
        _codec = codec;
        _outgoing.ReceiveReady += (_, _) => SendWaiting();
        if (socket is not NetMQ.Sockets.PublisherSocket)
        {
            socket.ReceiveReady += (_, _) => Receive();
        }
    }

    /// <summary>Gets each well-formed, rightly signed message, on the poller's thread.</summary>
    public Action<JupyterMessage>? Received { get; set; }

    /// <summary>Hears why a message was dropped.</summary>
    public Action<string>? Dropped { get; set; }

    public bool IsSending => Volatile.Read(ref _waiting) > 0;

    public void Send(JupyterMessage message)
    {
        Interlocked.Increment(ref _waiting);
        _outgoing.Enqueue(message);
    }

    public void AddTo(NetMQPoller poller)
    {
        poller.Add(_socket);
        poller.Add(_outgoing);
    }

    public void Dispose()
    {
        _outgoing.Dispose();
        _socket.Dispose();
    }

    private void SendWaiting()
    {
        while (_outgoing.TryDequeue(out var message, TimeSpan.Zero))
        {
            TrySend(message);
            Interlocked.Decrement(ref _waiting);
        }
    }

    // A message that cannot be encoded or whose receiver is gone must not end the thread that serves all others.
    private void TrySend(JupyterMessage message)
    {
        try
        {
            var frames = new NetMQMessage();
            foreach (var frame in _codec.Encode(message))
            {
                frames.Append(frame);
            }
            _socket.SendMultipartMessage(frames);
        }
        catch (Exception error) when (error is NetMQException or InvalidOperationException or System.Text.Json.JsonException or ArgumentException)
        {
            Dropped?.Invoke($"{message.Type} was not sent: {error.Message}");
        }
    }

    private void Receive()
    {
        var frames = new List<byte[]>();
        while (_socket.TryReceiveMultipartBytes(ref frames!))
        {
            try
            {
                Received?.Invoke(_codec.Decode(frames));
            }
            catch (MalformedMessageException error)
            {
                Dropped?.Invoke($"a message was dropped: {error.Message}");
            }
        }
    }
}
