using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A connection file with five ports that were free a moment ago.</summary>
internal sealed class ConnectionFileForTest : IDisposable
{
    public const string Key = "a0436f6c-1916-498b-8eb9-e81ab9368e84";

    private static readonly HashSet<int> s_taken = [];

    public ConnectionFileForTest()
    {
        Ports = FreePorts();
        File.WriteAllText(Path, string.Create(CultureInfo.InvariantCulture, $$"""
            {"shell_port": {{Ports[0]}}, "iopub_port": {{Ports[1]}}, "stdin_port": {{Ports[2]}}, "control_port": {{Ports[3]}}, "hb_port": {{Ports[4]}},
             "ip": "127.0.0.1", "key": "{{Key}}", "transport": "tcp", "signature_scheme": "hmac-sha256", "kernel_name": "x"}
            """));
    }

    public string Path { get; } = System.IO.Path.GetTempFileName();

    /// <summary>Shell, iopub, stdin, control, heartbeat.</summary>
    public int[] Ports { get; }

    public void Dispose() => File.Delete(Path);

    // Below those that a system gives to connections, so that none takes one of them meanwhile; another test takes others.
    private static int[] FreePorts()
    {
        lock (s_taken)
        {
            return [.. Enumerable.Range(0, int.MaxValue).Select(_ => Random.Shared.Next(10_000, 32_000)).Where(port => IsFree(port) && s_taken.Add(port)).Take(5)];
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
