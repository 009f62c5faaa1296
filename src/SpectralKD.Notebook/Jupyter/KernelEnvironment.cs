using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// What comes to the kernel from its process: signals, the end of the program that started it, exceptions that nobody caught, and a cell
/// that ends the process. A stack overflow cannot be survived; Jupyter then sees a dead kernel and offers to restart it.
/// </summary>
internal sealed class KernelEnvironment : IDisposable
{
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);
    private readonly RunningCell _running;
    private readonly IopubPublisher _iopub;
    private readonly KernelTransport _transport;
    private readonly MessageWriter _writer;
    private readonly PosixSignalRegistration _interruptSignal;
    private readonly PosixSignalRegistration _endSignal;
    private readonly CancellationTokenSource _watching = new();
    private readonly Action<string> _showUnhandled;

    public KernelEnvironment(RunningCell running, IopubPublisher iopub, KernelTransport transport, MessageWriter writer, KernelLife life)
    {
        _running = running;
        _iopub = iopub;
        _transport = transport;
        _writer = writer;
        _showUnhandled = text => iopub.Stream(running.Latest, "stderr", text);
        _interruptSignal = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Handle(signal, running.Interrupt));
        _endSignal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Handle(signal, life.End));
        AppDomain.CurrentDomain.ProcessExit += SayThatTheProcessEnds;
        UnhandledExceptions.Otherwise = _showUnhandled;
        UnhandledExceptions.Install();
        _ = WatchParentAsync(life, _watching.Token);
    }

    public void Dispose()
    {
        _watching.Cancel();
        _watching.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= SayThatTheProcessEnds;
        if (UnhandledExceptions.Otherwise == _showUnhandled)
        {
            UnhandledExceptions.Otherwise = null;
        }

        _interruptSignal.Dispose();
        _endSignal.Dispose();
    }

    private static void Handle(PosixSignalContext signal, Action act)
    {
        signal.Cancel = true;
        act();
    }

    // The client would wait for a reply until it notices that the process is gone.
    private void SayThatTheProcessEnds(object? sender, EventArgs arguments)
    {
        if (!_running.IsRunning || _running.Latest is not { } request)
        {
            return;
        }
        var code = Environment.ExitCode.ToString(CultureInfo.InvariantCulture);
        var what = $"the cell ended the kernel's process (exit code {code}); the variables are lost";
        var content = KernelCellOutput.ErrorContent(new CellError("ProcessExit", what, [what]));
        _iopub.Publish(request, "error", content);
        content = (JsonObject)content.DeepClone();
        content["status"] = "error";
        _transport.Shell.Send(_writer.Reply(request, "execute_reply", content));
        _iopub.Status(request, "idle");
        _transport.Flush(LastWords);
        Thread.Sleep(50);
    }

    // Jupyter names its process; when that is gone nobody will ever shut this kernel down.
    private static async Task WatchParentAsync(KernelLife life, CancellationToken cancellationToken)
    {
        var name = Environment.GetEnvironmentVariable("JPY_PARENT_PID");
        if (OperatingSystem.IsWindows() || !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var parent) || parent <= 1)
        {
            return;
        }
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (IsAlive(parent))
            {
                await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
            }
            life.End();
        }
        catch (OperationCanceledException)
        {
            // The kernel ends by itself.
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
