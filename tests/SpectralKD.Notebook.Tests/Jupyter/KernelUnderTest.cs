using SpectralKD.Notebook.Jupyter;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Jupyter;

/// <summary>A kernel on ports of its own in this process, with a scripted session.</summary>
internal sealed class KernelUnderTest : IAsyncDisposable
{
    private readonly ConnectionFileForTest _connection = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _log = [];

    private KernelUnderTest() => Ended = JupyterKernel.RunAsync(_connection.Path, StartSession, Write, _stop.Token);

    public ScriptedSession Session { get; } = new();

    public Task Ended { get; }

    /// <summary>Shell, iopub, stdin, control, heartbeat.</summary>
    public int[] Ports => _connection.Ports;

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

    public static KernelUnderTest Start() => new();

    public KernelClient Connect(string name = "client-1") => new(_connection.Ports, name);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Ended.WaitAsync(TimeSpan.FromSeconds(60));
        _stop.Dispose();
        _connection.Dispose();
    }

    private ScriptedSession StartSession(Func<InputRequest, CancellationToken, Task<string?>> ask)
    {
        Session.Ask = ask;
        return Session;
    }

    private void Write(string line)
    {
        lock (_log)
        {
            _log.Add(line);
        }
    }
}
