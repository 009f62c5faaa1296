using System.Diagnostics;
using System.Globalization;

namespace SpectralKD.Interactive;

/// <summary>Starts a browser without a window, with a profile that is thrown away and no network, for a page of our own or for a <see cref="BrowserSession"/>.</summary>
internal static class HeadlessBrowser
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>Options that keep a fresh profile quiet and offline.</summary>
    private static readonly string[] Options =
    [
        "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
    ];

    /// <summary>The page's document after its scripts have run.</summary>
    internal static string Dom(string html) => InFolder(html, (page, folder) => Run(folder, "--virtual-time-budget=20000", "--dump-dom", page));

    private static string InFolder(string html, Func<string, string, string> action)
    {
        var folder = Directory.CreateTempSubdirectory("spectralkd-chart-");
        try
        {
            var page = Path.Combine(folder.FullName, "chart.html");
            File.WriteAllText(page, html);
            return action(new Uri(page).AbsoluteUri, folder.FullName);
        }
        finally
        {
            Remove(folder);
        }
    }

    private static string Run(string folder, params string[] arguments)
    {
        using var process = Start(folder, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            throw Failed(string.Create(CultureInfo.InvariantCulture, $"it did not finish within {Limit.TotalSeconds} s"));
        }

        return process.ExitCode == 0 ? output.GetAwaiter().GetResult() : throw Failed(
            string.Create(CultureInfo.InvariantCulture, $"it ended with code {process.ExitCode}: {LastLine(errors.GetAwaiter().GetResult())}"));
    }

    /// <summary>Starts the browser with a fresh profile in a folder.</summary>
    internal static Process Start(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Browser.Find()) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in Options.Append($"--user-data-dir={Profile(folder)}").Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        if (OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess)
        {
            // As root, in containers for example, Chromium refuses to start its sandbox; the page is our own and has no network.
            start.ArgumentList.Insert(0, "--no-sandbox");
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new SpectralKDException($"the browser {start.FileName} cannot be started: {error.Message}", error);
        }
    }

    /// <summary>The folder of the browser's profile.</summary>
    internal static string Profile(string folder) => Path.Combine(folder, "profile");

    private static string LastLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";

    internal static SpectralKDException Failed(string how)
        => new($"the browser {Browser.Find()} did not draw the chart: {how}; save as .html instead, or set {Browser.Variable} to another browser");

    internal static void Remove(DirectoryInfo folder)
    {
        try
        {
            folder.Delete(recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A browser's last child may still hold a file of its profile: the system's temporary folder takes care of it.
        }
    }
}

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
