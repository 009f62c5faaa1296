namespace SpectralKD.Interactive.Charting;

/// <summary>Finds an installed browser of the Chromium family.</summary>
internal static class Browser
{
    /// <summary>Environment variable that names the browser's program.</summary>
    internal const string Variable = "SPECTRALKD_BROWSER";

    private static readonly string[] LinuxNames =
    [
        "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "microsoft-edge-stable", "brave-browser",
        "chrome-headless-shell",
    ];

    private static readonly string[] MacPaths =
    [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ];

    private static readonly string[] WindowsPaths =
    [
        @"Google\Chrome\Application\chrome.exe", @"Microsoft\Edge\Application\msedge.exe", @"Chromium\Application\chrome.exe",
    ];

    /// <summary>Full path of the browser's program.</summary>
    /// <exception cref="SpectralKDException">There is none; the message says what to install or set.</exception>
    internal static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? named : throw new SpectralKDException($"{Variable} names {named}, but there is no such program");
        }

        return Candidates().FirstOrDefault(File.Exists) ?? throw new SpectralKDException(
            "no Chromium, Chrome or Edge was found, which draws .svg, .png and .pdf: install one (Debian and Ubuntu: apt install chromium), "
            + $"set {Variable} to its program, or save as .html");
    }

    private static IEnumerable<string> Candidates()
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.SpecialFolder[] roots =
            [
                Environment.SpecialFolder.ProgramFiles, Environment.SpecialFolder.ProgramFilesX86, Environment.SpecialFolder.LocalApplicationData,
            ];
            return WindowsPaths.SelectMany(_ => roots, (path, root) => Path.Combine(Environment.GetFolderPath(root), path));
        }

        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var onPath = LinuxNames.SelectMany(_ => folders, (name, folder) => Path.Combine(folder, name));
        return OperatingSystem.IsMacOS() ? MacPaths.Concat(onPath) : onPath;
    }
}
