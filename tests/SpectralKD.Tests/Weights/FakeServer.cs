using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SpectralKD.Tests.Weights;

/// <summary>A request as it came in.</summary>
internal sealed record FakeRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>First byte asked for, 0 without a Range header.</summary>
    public int From => Headers.TryGetValue("range", out var range) ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
}

/// <summary>An answer; with <see cref="CutAfter"/> the connection ends in the middle of the body.</summary>
internal sealed record FakeResponse(int Status)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    public byte[] Body { get; init; } = [];

    /// <summary>Announced length, where it is not the body's (HEAD).</summary>
    public long? Length { get; init; }

    public int? CutAfter { get; init; }

    /// <summary>Awaited before the body's second half is sent.</summary>
    public Task? Pause { get; init; }
}

/// <summary>An HTTP server on 127.0.0.1 that answers whatever its handler says, one connection a request, and remembers all requests.</summary>
internal sealed class FakeServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Func<FakeRequest, FakeResponse> answer;

    public FakeServer(Func<FakeRequest, FakeResponse> answer)
    {
        this.answer = answer;
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        _ = AcceptAsync();
    }

    public Uri Address { get; }

    public ConcurrentQueue<FakeRequest> Requests { get; } = [];

    public IEnumerable<FakeRequest> Gets => Requests.Where(request => request.Method == "GET");

    public void Dispose() => listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        try
        {
            var stream = client.GetStream();
            if (await ReadAsync(stream) is { } request)
            {
                Requests.Enqueue(request);
                await WriteAsync(stream, request, answer(request));
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            // The client went away.
        }
    }

    private static async Task<FakeRequest?> ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        if (await reader.ReadLineAsync() is not { } start)
        {
            return null;
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
        {
            headers[line[..line.IndexOf(':', StringComparison.Ordinal)]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }

        return new FakeRequest(start.Split(' ')[0], start.Split(' ')[1], headers);
    }

    private static async Task WriteAsync(NetworkStream stream, FakeRequest request, FakeResponse response)
    {
        var head = new StringBuilder($"HTTP/1.1 {response.Status} Status\r\nConnection: close\r\nContent-Length: {response.Length ?? response.Body.Length}\r\n");
        foreach (var (name, value) in response.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()));
        if (request.Method == "HEAD")
        {
            return;
        }

        var body = response.Body.AsMemory(0, response.CutAfter ?? response.Body.Length);
        await stream.WriteAsync(body[..(body.Length / 2)]);
        await (response.Pause ?? Task.CompletedTask);
        await stream.WriteAsync(body[(body.Length / 2)..]);
    }
}
