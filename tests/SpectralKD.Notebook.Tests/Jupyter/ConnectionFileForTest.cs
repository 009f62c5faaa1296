using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A connection file with five ports that were free a moment ago.</summary>
internal sealed class ConnectionFileForTest : IDisposable
{
    public const string Key = "a0436f6c-1916-498b-8eb9-e81ab9368e84";

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

    private static int[] FreePorts()
    {
        var listeners = Enumerable.Range(0, 5).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
        {
            listener.Start();
        }
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
        {
            listener.Dispose();
        }
        return ports;
    }
}
