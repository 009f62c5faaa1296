using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter.Wire;

/// <summary>Makes the kernel's own messages: each with a fresh id, the kernel's session and the time.</summary>
internal sealed class MessageWriter
{
    /// <summary>The version of the messaging protocol that the kernel speaks.</summary>
    public const string ProtocolVersion = "5.3";

    private readonly string _session = Guid.NewGuid().ToString("N");
    private int _count;

    /// <summary>A reply to a request, to the client that sent it.</summary>
    public JupyterMessage Reply(JupyterMessage request, string type, JsonObject content)
        => Make(request.Identities, request.Header, type, content);

    /// <summary>A message for everybody who listens on iopub, about a request (null: about nothing in particular).</summary>
    public JupyterMessage Broadcast(JupyterMessage? about, string type, JsonObject content)
    {
        var topic = Encoding.ASCII.GetBytes($"kernel.{_session}.{type}");
        return Make([topic], about?.Header ?? JupyterMessage.NoHeader, type, content);
    }

    private JupyterMessage Make(IReadOnlyList<byte[]> identities, byte[] parent, string type, JsonObject content)
    {
        var header = new JsonObject
        {
            ["msg_id"] = string.Create(CultureInfo.InvariantCulture, $"{_session}_{Interlocked.Increment(ref _count)}"),
            ["session"] = _session,
            ["username"] = "kernel",
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["msg_type"] = type,
            ["version"] = ProtocolVersion,
        };
        return new JupyterMessage(identities, MessageCodec.Bytes(header), parent, [], content) { Type = type };
    }
}
