using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NetMQ;
using NetMQ.Sockets;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A Jupyter client with its own reading of the wire protocol, so that both sides cannot be wrong together.</summary>
internal sealed class KernelClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _session = Guid.NewGuid().ToString();
    private int _count;

    public KernelClient(int[] ports, string name)
    {
        Shell = Dealer(ports[0], name);
        Iopub = new SubscriberSocket();
        Iopub.Options.ReceiveHighWatermark = 0;
        Iopub.Connect(Address(ports[1]));
        Iopub.SubscribeToAnyTopic();
        Stdin = Dealer(ports[2], name);
        Control = Dealer(ports[3], name);
        Heartbeat = new RequestSocket(">" + Address(ports[4]));
        WaitUntilSubscribed();
    }

    public DealerSocket Shell { get; }

    public SubscriberSocket Iopub { get; }

    public DealerSocket Stdin { get; }

    public DealerSocket Control { get; }

    public RequestSocket Heartbeat { get; }

    public static List<byte[]> Frames(JsonObject header, JsonObject? parent, JsonObject content, string key = ConnectionFileForTest.Key)
    {
        byte[][] parts = [.. new[] { header, parent ?? [], new JsonObject(), content }.Select(part => Encoding.UTF8.GetBytes(part.ToJsonString()))];
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), parts.SelectMany(part => part).ToArray()));
        return [Encoding.ASCII.GetBytes("<IDS|MSG>"), Encoding.ASCII.GetBytes(signature), .. parts];
    }

    public JsonObject Header(string type) => new()
    {
        ["msg_id"] = string.Create(CultureInfo.InvariantCulture, $"{_session}-{++_count}"),
        ["session"] = _session,
        ["username"] = "reader",
        ["date"] = "2026-01-02T03:04:05Z",
        ["msg_type"] = type,
        ["version"] = "5.3",
    };

    /// <summary>Sends a request; returns its id.</summary>
    public string Send(DealerSocket socket, string type, JsonObject? content = null)
    {
        var header = Header(type);
        socket.SendMultipartBytes(Frames(header, null, content ?? []));
        return header["msg_id"]!.GetValue<string>();
    }

    public string Execute(string code, bool stopOnError = true, bool allowStdin = true)
        => Send(Shell, "execute_request", new JsonObject { ["code"] = code, ["stop_on_error"] = stopOnError, ["allow_stdin"] = allowStdin });

    /// <summary>The reply to a request, and everything that iopub said about it up to idle.</summary>
    public (WireMessage Reply, IReadOnlyList<WireMessage> Broadcasts) Answer(string id, DealerSocket? socket = null)
    {
        var reply = Receive(socket ?? Shell);
        Assert.Equal(id, reply.ParentId);
        return (reply, BroadcastsOf(id));
    }

    public (WireMessage Reply, IReadOnlyList<WireMessage> Broadcasts) Run(string code) => Answer(Execute(code));

    public (WireMessage Reply, IReadOnlyList<WireMessage> Broadcasts) Ask(string type, JsonObject? content = null) => Answer(Send(Shell, type, content));

    public IReadOnlyList<WireMessage> BroadcastsOf(string id)
    {
        var messages = new List<WireMessage>();
        while (true)
        {
            var message = Receive(Iopub);
            if (message.ParentId != id)
            {
                continue;
            }
            messages.Add(message);
            if (message.Type == "status" && message.Text("execution_state") == "idle")
            {
                return messages;
            }
        }
    }

    public static WireMessage Receive(NetMQSocket socket)
    {
        var frames = new List<byte[]>();
        Assert.True(socket.TryReceiveMultipartBytes(Patience, ref frames!), "the kernel said nothing for a minute");
        return WireMessage.Read(frames!);
    }

    public void Dispose()
    {
        foreach (var socket in new NetMQSocket[] { Shell, Iopub, Stdin, Control, Heartbeat })
        {
            socket.Options.Linger = TimeSpan.Zero;
            socket.Dispose();
        }
    }

    private static DealerSocket Dealer(int port, string name)
    {
        var socket = new DealerSocket();
        socket.Options.Identity = Encoding.ASCII.GetBytes(name);
        socket.Connect(Address(port));
        return socket;
    }

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"tcp://127.0.0.1:{port}");

    // A subscription takes a moment: ask until iopub is heard, as jupyter_client does.
    private void WaitUntilSubscribed()
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var id = Send(Shell, "kernel_info_request");
            Receive(Shell);
            var frames = new List<byte[]>();
            while (Iopub.TryReceiveMultipartBytes(TimeSpan.FromMilliseconds(100), ref frames!))
            {
                var message = WireMessage.Read(frames!);
                if (message.ParentId == id && message.Type == "status" && message.Text("execution_state") == "idle")
                {
                    return;
                }
            }
        }
        Assert.Fail("iopub was never heard");
    }
}
