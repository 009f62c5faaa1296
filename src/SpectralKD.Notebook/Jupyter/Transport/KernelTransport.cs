using NetMQ;
using NetMQ.Sockets;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// The kernel's five sockets. Shell, stdin and iopub share a thread, control and the heartbeat each have their own, so that they answer
/// while a cell runs. A socket is touched by its thread only; others put what they send into its queue.
/// </summary>
internal sealed class KernelTransport : IDisposable
{
    /// <summary>
    /// The largest frame that is taken, in bytes: a connection that announces a larger one is closed before the frame is read, since its
    /// signature could be checked only afterwards. The text of a cell and a widget's message are one frame each.
    /// </summary>
    public const long LargestFrame = 64 << 20;

    private readonly Heartbeat _heartbeat;
    private readonly NetMQPoller _main;
    private readonly NetMQPoller _control;

    public KernelTransport(ConnectionFile connection, MessageCodec codec)
    {
        Shell = new MessageChannel(Bind(new RouterSocket(), connection.Address(connection.ShellPort), "shell"), codec);
        Stdin = new MessageChannel(Bind(new RouterSocket(), connection.Address(connection.StdinPort), "stdin"), codec);
        Iopub = new MessageChannel(Bind(new PublisherSocket(), connection.Address(connection.IopubPort), "iopub"), codec);
        Control = new MessageChannel(Bind(new RouterSocket(), connection.Address(connection.ControlPort), "control"), codec);
        _heartbeat = new Heartbeat(Bind(new RouterSocket(), connection.Address(connection.HeartbeatPort), "heartbeat"));
        _main = new NetMQPoller();
        _control = new NetMQPoller();
        Shell.AddTo(_main);
        Stdin.AddTo(_main);
        Iopub.AddTo(_main);
        Control.AddTo(_control);
    }

    public MessageChannel Shell { get; }

    public MessageChannel Stdin { get; }

    public MessageChannel Iopub { get; }

    public MessageChannel Control { get; }

    /// <summary>Begins to receive; handlers are set before.</summary>
    public void Start()
    {
        _main.RunAsync("jupyter-shell");
        _control.RunAsync("jupyter-control");
        _heartbeat.Start();
    }

    /// <summary>Waits until everything queued was handed to the sockets.</summary>
    public void Flush(TimeSpan atMost)
    {
        var until = DateTime.UtcNow + atMost;
        while (DateTime.UtcNow < until && (Shell.IsSending || Control.IsSending || Iopub.IsSending))
        {
            Thread.Sleep(5);
        }
    }

    public void Dispose()
    {
        _main.Dispose();
        _control.Dispose();
        _heartbeat.Dispose();
        Shell.Dispose();
        Stdin.Dispose();
        Iopub.Dispose();
        Control.Dispose();
    }

    private static T Bind<T>(T socket, string address, string channel)
        where T : NetMQSocket
    {
        // Without a limit nothing is dropped for a client that reads slower than a cell writes.
        socket.Options.SendHighWatermark = 0;
        socket.Options.ReceiveHighWatermark = 0;
        socket.Options.MaxMsgSize = LargestFrame;
        socket.Options.Linger = TimeSpan.FromSeconds(1);
        if (socket is RouterSocket router)
        {
            // A page that connects again comes with its old identity, before the old connection is known to be gone.
            router.Options.RouterHandover = true;
        }

        try
        {
            socket.Bind(address);
            return socket;
        }
        catch (Exception error) when (error is NetMQException or ArgumentException or System.Net.Sockets.SocketException)
        {
            socket.Dispose();
            var reason = error is AddressAlreadyInUseException ? "another program does already" : error.Message;
            throw new SpectralKDException($"the {channel} channel cannot listen on {address}: {reason}", error);
        }
    }
}

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
