using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>A message of the Jupyter protocol, as it is exchanged over all channels.</summary>
/// <param name="Identities">Routing frames before the delimiter: who sent it, or the topic on iopub.</param>
/// <param name="Header">Message id, session, date, type, version.</param>
/// <param name="ParentHeader">The header of the request that it answers, byte for byte; <c>{}</c> where there is none.</param>
/// <param name="Metadata">Metadata.</param>
/// <param name="Content">What the type says.</param>
internal sealed record JupyterMessage(
    IReadOnlyList<byte[]> Identities, byte[] Header, byte[] ParentHeader, JsonObject Metadata, JsonObject Content)
{
    /// <summary>An empty JSON object.</summary>
    public static readonly byte[] NoHeader = "{}"u8.ToArray();

    /// <summary>For instance <c>execute_request</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Fires when the client has sent a newer request that makes an answer to this one worthless.</summary>
    public CancellationToken Overtaken { get; init; }

    /// <summary>A text of the content.</summary>
    /// <exception cref="MalformedMessageException">It is missing or no text.</exception>
    public string Text(string member) => Content[member]?.GetValueKind() == JsonValueKind.String
        ? Content[member]!.GetValue<string>()
        : throw new MalformedMessageException($"{Type}: {member} is missing or no text");

    /// <summary>A text of the content, or what stands in for a missing one.</summary>
    public string Text(string member, string otherwise) => Content[member] is null ? otherwise : Text(member);

    /// <summary>A whole number of the content, or what stands in for a missing one.</summary>
    /// <exception cref="MalformedMessageException">It is no whole number.</exception>
    public int Number(string member, int otherwise) => Content[member] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue<int>(out var number) => number,
        _ => throw new MalformedMessageException($"{Type}: {member} is no whole number"),
    };

    /// <summary>A boolean of the content, or what stands in for a missing one.</summary>
    /// <exception cref="MalformedMessageException">It is no boolean.</exception>
    public bool Flag(string member, bool otherwise) => Content[member]?.GetValueKind() switch
    {
        null or JsonValueKind.Null => otherwise,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new MalformedMessageException($"{Type}: {member} is no boolean"),
    };
}

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

/// <summary>Jupyter counts cursor positions in Unicode code points, .NET in UTF-16 code units.</summary>
internal static class CodePoints
{
    public static int ToUtf16(string text, int codePoints)
    {
        var index = 0;
        for (var count = 0; count < codePoints && index < text.Length; count++)
        {
            index += IsPair(text, index) ? 2 : 1;
        }
        return index;
    }

    public static int FromUtf16(string text, int index)
    {
        var count = 0;
        for (var position = 0; position < index && position < text.Length; count++)
        {
            position += IsPair(text, position) ? 2 : 1;
        }
        return count;
    }

    private static bool IsPair(string text, int index) => index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]);
}
