namespace SpectralKD.Notebook;

/// <summary>The programs that are installed.</summary>
internal static class OtherPrograms
{
    /// <summary>The first of some programs that is installed.</summary>
    public static string? OnPath(params string[] names) => names
        .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder.Trim('"'), OperatingSystem.IsWindows() ? name + ".exe" : name)))
        .FirstOrDefault(File.Exists);
}

/// <summary>A folder of our own among the system's temporary ones, which goes with all that is in it when it is no longer needed.</summary>
/// <param name="what">What it is for: a part of its name, <c>spectralkd-shell-a1B2c3</c>.</param>
internal sealed class TemporaryFolder(string what) : IDisposable
{
    /// <summary>Its full path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory($"spectralkd-{what}-").FullName;

    /// <summary>Lets another program make its temporary files in here.</summary>
    public void IsTemporaryFor(System.Diagnostics.ProcessStartInfo program)
    {
        foreach (var name in OperatingSystem.IsWindows() ? (string[])["TMP", "TEMP"] : ["TMPDIR"])
        {
            program.Environment[name] = Path;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Windows keeps what a program that still runs has open; its temporary folders are the system's to clear.
        }
    }
}
