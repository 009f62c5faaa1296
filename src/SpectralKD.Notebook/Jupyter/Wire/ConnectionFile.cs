using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// What a client writes for the kernel that it starts: ports, address and key
/// (https://jupyter-client.readthedocs.io/en/latest/kernels.html#connection-files).
/// </summary>
internal sealed record ConnectionFile
{
    private static readonly JsonSerializerOptions JsonOptions = new() { RespectNullableAnnotations = true };

    [JsonPropertyName("shell_port")]
    public required int ShellPort { get; init; }

    [JsonPropertyName("iopub_port")]
    public required int IopubPort { get; init; }

    [JsonPropertyName("stdin_port")]
    public required int StdinPort { get; init; }

    [JsonPropertyName("control_port")]
    public required int ControlPort { get; init; }

    [JsonPropertyName("hb_port")]
    public required int HeartbeatPort { get; init; }

    [JsonPropertyName("ip")]
    public string Ip { get; init; } = "127.0.0.1";

    [JsonPropertyName("key")]
    public string Key { get; init; } = "";

    [JsonPropertyName("transport")]
    public string Transport { get; init; } = "tcp";

    [JsonPropertyName("signature_scheme")]
    public string SignatureScheme { get; init; } = "hmac-sha256";

    /// <summary>Reads and checks the file.</summary>
    /// <exception cref="SpectralKDException">It is missing, malformed, or asks for what this kernel cannot do.</exception>
    public static ConnectionFile Read(string path)
    {
        try
        {
            var connection = JsonSerializer.Deserialize<ConnectionFile>(File.ReadAllText(path), JsonOptions) ?? throw new JsonException("it holds null");
            connection.Check(path);
            return connection;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot read the connection file {path}: {error.Message}", error);
        }
        catch (JsonException error)
        {
            throw new SpectralKDException(
                $"{path} is not a Jupyter connection file ({error.Message}); Jupyter writes one and puts it in place of "
                + "{connection_file}", error);
        }
    }

    /// <summary>The address of one of the ports.</summary>
    public string Address(int port) => $"tcp://{Ip}:{port}";

    private void Check(string path)
    {
        if (Transport != "tcp")
        {
            throw new SpectralKDException($"{path} asks for the transport {Transport}; this kernel knows tcp");
        }
        if (Key.Length > 0 && SignatureScheme != "hmac-sha256")
        {
            throw new SpectralKDException($"{path} asks for the signature scheme {SignatureScheme}; this kernel knows hmac-sha256");
        }
    }
}
