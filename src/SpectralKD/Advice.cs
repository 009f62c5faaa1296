namespace SpectralKD;

/// <summary>Where advice is read: what helps in a notebook (<c>#r</c>) is nothing that can be typed in a shell.</summary>
internal static class Advice
{
    private static readonly AsyncLocal<bool> CommandLine = new();

    /// <summary>True where a command of <c>spectralkd</c> is carried out. Follows the call, on whatever thread.</summary>
    public static bool IsForCommandLine
    {
        get => CommandLine.Value;
        set => CommandLine.Value = value;
    }
}
