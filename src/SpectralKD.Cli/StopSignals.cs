using System.Runtime.InteropServices;

namespace SpectralKD.Cli;

/// <summary>
/// Ctrl-C (SIGINT) and SIGTERM: the first one asks the command to put things in order and end, a later one leaves at once. System.CommandLine's own
/// handling gives a command two seconds and then ends the process in the middle of torch's work, which crashes.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // Several senders may mean one stop: `timeout` signals its child and then the child's group.
    private static readonly TimeSpan OneStop = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private long _first;

    /// <summary>Fires at the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>What the process ends with after a stop: 130 for Ctrl-C, 143 for SIGTERM; null where none was asked for.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Begins to listen; until then the system's own handling holds.</summary>
    /// <param name="error">Hears that the signal was understood.</param>
    public void Listen(TextWriter error)
    {
        foreach (var (signal, code) in new[] { (PosixSignal.SIGINT, 130), (PosixSignal.SIGTERM, 143) })
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Stop(code, error);
            }));
        }
    }

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _stop.Dispose();
    }

    private void Stop(int code, TextWriter error)
    {
        var now = Environment.TickCount64;
        if (Interlocked.CompareExchange(ref _first, now, 0) is var first and not 0)
        {
            if (now - first > OneStop.TotalMilliseconds)
            {
                ProcessEnd.At(code);
            }

            return;
        }

        ExitCode = code;
        try
        {
            _stop.Cancel();
        }
        catch (Exception failure) when (failure is AggregateException or ObjectDisposedException)
        {
            // Whatever a listener does with the news, or if the command has just ended: the process is to end.
        }

        try
        {
            error.WriteLine("spectralkd: stopping after what is being computed; a second signal leaves at once");
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // A terminal that is gone: nobody is there to read it.
        }
    }
}

/// <summary>
/// Ends the process without running the destructors of native libraries: torch's take away what its threads still compute with, and the process
/// would end by a segmentation fault instead of its exit code.
/// </summary>
internal static class ProcessEnd
{
    /// <summary>Ends the process here and now; nothing is flushed, no <c>finally</c> runs.</summary>
    public static void At(int code)
    {
        if (OperatingSystem.IsWindows())
        {
            TerminateProcess(-1, (uint)code); // -1 is this process
        }
        else
        {
            ExitUnix(code);
        }
    }

    /// <summary>Ends the process when all is done but perhaps a thread that cannot be stopped: what was printed is out.</summary>
    public static void AfterStop(int code)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        At(code);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ExitUnix(int code);

    [DllImport("kernel32")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static extern bool TerminateProcess(nint process, uint code);
}
