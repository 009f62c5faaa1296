using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Transport;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>
/// What comes to the kernel from its process: signals, the end of the program that started it, exceptions that nobody caught, and a cell
/// that ends the process. A stack overflow cannot be survived; Jupyter then sees a dead kernel and offers to restart it.
/// </summary>
internal sealed class KernelSurroundings : IDisposable
{
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);
    private static Action<Exception>? s_unhandled;
    private static int s_handlerSet;

    private readonly RunningCell _running;
    private readonly IopubPublisher _iopub;
    private readonly KernelTransport _transport;
    private readonly PosixSignalRegistration _interruptSignal;
    private readonly PosixSignalRegistration _endSignal;
    private readonly CancellationTokenSource _watching = new();

    public KernelSurroundings(RunningCell running, IopubPublisher iopub, KernelTransport transport, KernelLife life)
    {
        _running = running;
        _iopub = iopub;
        _transport = transport;
        _interruptSignal = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Handle(signal, running.Interrupt));
        _endSignal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Handle(signal, life.End));
        AppDomain.CurrentDomain.ProcessExit += SayThatTheProcessEnds;
        CatchUnhandled();
        _ = WatchParentAsync(life, _watching.Token);
    }

    public void Dispose()
    {
        _watching.Cancel();
        _watching.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= SayThatTheProcessEnds;
        s_unhandled = null;
        _interruptSignal.Dispose();
        _endSignal.Dispose();
    }

    private static void Handle(PosixSignalContext signal, Action act)
    {
        signal.Cancel = true;
        act();
    }

    // An exception on a thread that the user started would end the process; it is shown instead, and the thread ends.
    private void CatchUnhandled()
    {
        s_unhandled = error => _iopub.Stream(_running.Latest, "stderr", $"Unhandled exception on a background thread: {error}\n");
        if (Interlocked.Exchange(ref s_handlerSet, 1) != 0)
        {
            return;
        }
        try
        {
            ExceptionHandling.SetUnhandledExceptionHandler(Survive);
        }
        catch (InvalidOperationException)
        {
            // The process has a handler of its own already.
        }
    }

    private static bool Survive(Exception error)
    {
        s_unhandled?.Invoke(error);
        return s_unhandled is not null;
    }

    private void SayThatTheProcessEnds(object? sender, EventArgs arguments)
    {
        if (_running.IsRunning)
        {
            var code = Environment.ExitCode.ToString(CultureInfo.InvariantCulture);
            _iopub.Stream(_running.Latest, "stderr", $"The cell ended the kernel's process (exit code {code}); its variables are lost.\n");
            _iopub.Status(_running.Latest, "idle");
            _transport.Flush(LastWords);
            Thread.Sleep(50);
        }
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
