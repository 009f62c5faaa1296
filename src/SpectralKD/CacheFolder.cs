namespace SpectralKD;

/// <summary>
/// The user's cache folder: <c>SPECTRALKD_CACHE</c>, else <c>spectralkd</c> in <c>XDG_CACHE_HOME</c> or <c>~/.cache</c> (Linux),
/// <c>~/Library/Caches</c> (macOS), <c>%LOCALAPPDATA%</c> (Windows). Everything in it can be deleted and is made again.
/// </summary>
internal static class CacheFolder
{
    /// <summary>Environment variable that names another cache folder.</summary>
    public const string FolderVariable = "SPECTRALKD_CACHE";

    /// <summary>The cache folder's path; it need not exist yet.</summary>
    public static string Root =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named ? Path.GetFullPath(named) : Path.Combine(SystemFolder, "spectralkd");

    private static string SystemFolder
    {
        get
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (OperatingSystem.IsWindows())
            {
                return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            }

            return OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches")
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(home, ".cache");
        }
    }

    /// <summary>A path inside the cache folder.</summary>
    public static string For(params string[] parts) => Path.Combine([Root, .. parts]);
}
