using System.Runtime.InteropServices;

namespace SpectralKD.Cli;

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
