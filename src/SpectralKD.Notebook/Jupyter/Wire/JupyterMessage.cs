using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter.Wire;

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
