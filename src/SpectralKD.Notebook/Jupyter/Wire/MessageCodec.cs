using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// Messages to frames and back: identities, <c>&lt;IDS|MSG&gt;</c>, signature, header, parent header, metadata, content, buffers
/// (https://jupyter-client.readthedocs.io/en/latest/messaging.html#the-wire-protocol).
/// </summary>
internal sealed class MessageCodec(MessageSigner signer)
{
    private const int DeepestJson = 256;

    private static readonly byte[] Delimiter = "<IDS|MSG>"u8.ToArray();
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = DeepestJson };

    private readonly SignatureHistory _history = new();

    public IReadOnlyList<byte[]> Encode(JupyterMessage message)
    {
        var metadata = Bytes(message.Metadata);
        var content = Bytes(message.Content);
        var signature = signer.Sign(message.Header, message.ParentHeader, metadata, content);
        return [.. message.Identities, Delimiter, signature, message.Header, message.ParentHeader, metadata, content];
    }

    /// <exception cref="MalformedMessageException">Frames are missing, the signature is wrong or was there before, or a part is no JSON object.</exception>
    public JupyterMessage Decode(IReadOnlyList<byte[]> frames)
    {
        var delimiter = IndexOfDelimiter(frames);
        if (delimiter < 0 || frames.Count < delimiter + 6)
        {
            throw new MalformedMessageException(delimiter < 0 ? "no <IDS|MSG> frame" : $"{frames.Count - delimiter - 1} frames after <IDS|MSG>, 5 are needed");
        }
        var parts = Enumerable.Range(delimiter + 2, 4).Select(index => frames[index]).ToArray();
        if (!signer.Verify(frames[delimiter + 1], parts))
        {
            throw new MalformedMessageException("wrong signature");
        }
        if (signer.Signs && !_history.Add(Encoding.ASCII.GetString(frames[delimiter + 1])))
        {
            throw new MalformedMessageException("duplicate signature: it was sent before");
        }
        var header = Parse(parts[0], "header");
        return new JupyterMessage([.. frames.Take(delimiter)], parts[0], parts[1], Parse(parts[2], "metadata"), Parse(parts[3], "content"))
        {
            Type = HeaderText(header, "msg_type"),
        };
    }

    public static byte[] Bytes(JsonObject json) => JsonSerializer.SerializeToUtf8Bytes(json, Compact);

    private static int IndexOfDelimiter(IReadOnlyList<byte[]> frames)
    {
        for (var index = 0; index < frames.Count; index++)
        {
            if (frames[index].AsSpan().SequenceEqual(Delimiter))
            {
                return index;
            }
        }
        return -1;
    }

    private static JsonObject Parse(byte[] json, string part)
    {
        try
        {
            // As Jupyter reads it: browsers send half a surrogate pair as \ud83d. The reader may change what it is given.
            return PythonJsonReader.Read([.. json]).Root as JsonObject
                ?? throw new MalformedMessageException($"the {part} is no JSON object");
        }
        catch (JsonException error)
        {
            throw new MalformedMessageException($"the {part} is no JSON", error);
        }
    }

    private static string HeaderText(JsonObject header, string member) => header[member]?.GetValueKind() == JsonValueKind.String
        ? header[member]!.GetValue<string>()
        : throw new MalformedMessageException($"the header has no {member}");
}

/// <summary>Signs and verifies messages: HMAC-SHA256 over header, parent header, metadata and content. An empty key signs nothing.</summary>
internal sealed class MessageSigner(string key)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    /// <summary>The signature in lower-case hexadecimal, as ASCII bytes.</summary>
    public byte[] Sign(params ReadOnlySpan<byte[]> parts)
    {
        if (_key.Length == 0)
        {
            return [];
        }
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        foreach (var part in parts)
        {
            hmac.AppendData(part);
        }
        return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hmac.GetHashAndReset()));
    }

    /// <summary>False where the key is empty: then there are no signatures to check or to remember.</summary>
    public bool Signs => _key.Length > 0;

    /// <summary>True where the signature fits, compared in constant time.</summary>
    public bool Verify(byte[] signature, params ReadOnlySpan<byte[]> parts)
        => _key.Length == 0 || CryptographicOperations.FixedTimeEquals(signature, Sign(parts));
}

/// <summary>
/// The signatures of the latest messages: one that comes again is a message that somebody has recorded and sends once more (jupyter_client
/// remembers as many). Channels share one history; any thread may ask.
/// </summary>
internal sealed class SignatureHistory(int size = 65_536)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly Lock _gate = new();

    /// <summary>False where the signature is among the latest; else it is from now on.</summary>
    public bool Add(string signature)
    {
        lock (_gate)
        {
            if (!_seen.Add(signature))
            {
                return false;
            }
            _order.Enqueue(signature);
            if (_order.Count > size)
            {
                _seen.Remove(_order.Dequeue());
            }
            return true;
        }
    }
}

/// <summary>A message that breaks the protocol. It is dropped or answered with an error; the kernel lives on.</summary>
internal sealed class MalformedMessageException(string message, Exception? cause = null) : Exception(message, cause);
