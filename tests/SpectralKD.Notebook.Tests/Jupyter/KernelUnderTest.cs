using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SpectralKD.Notebook.Jupyter;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A kernel on ports of its own in this process, with a scripted session.</summary>
internal sealed class KernelUnderTest : IAsyncDisposable
{
    public const string Key = "a0436f6c-1916-498b-8eb9-e81ab9368e84";

    private readonly string _file = Path.GetTempFileName();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _log = [];

    private KernelUnderTest(int[] ports)
    {
        Ports = ports;
        File.WriteAllText(_file, string.Create(CultureInfo.InvariantCulture, $$"""
            {"shell_port": {{ports[0]}}, "iopub_port": {{ports[1]}}, "stdin_port": {{ports[2]}}, "control_port": {{ports[3]}}, "hb_port": {{ports[4]}},
             "ip": "127.0.0.1", "key": "{{Key}}", "transport": "tcp", "signature_scheme": "hmac-sha256", "kernel_name": "x"}
            """));
        Ended = JupyterKernel.RunAsync(
            _file,
            ask =>
            {
                Session.Ask = ask;
                return Session;
            },
            line =>
            {
                lock (_log)
                {
                    _log.Add(line);
                }
            },
            _stop.Token);
    }

    public ScriptedSession Session { get; } = new();

    /// <summary>Shell, iopub, stdin, control, heartbeat.</summary>
    public int[] Ports { get; }

    public Task Ended { get; }

    public string[] Log
    {
        get
        {
            lock (_log)
            {
                return [.. _log];
            }
        }
    }

    public static KernelUnderTest Start() => new(FreePorts());

    public KernelClient Connect(string name = "client-1") => new(Ports, name);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Ended.WaitAsync(TimeSpan.FromSeconds(20));
        _stop.Dispose();
        File.Delete(_file);
    }

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
