namespace SpectralKD.Benchmarks;

/// <summary>How busy the machine is: figures of a busy one are worth less.</summary>
internal static class MachineLoad
{
    private const string File = "/proc/loadavg";

    public static string Now() => System.IO.File.Exists(File) ? string.Join(' ', System.IO.File.ReadAllText(File).Split(' ').Take(3)) : "unknown";
}
