using System.Diagnostics;
using System.Globalization;

namespace SpectralKD.Interactive.Charting;

/// <summary>Runs a browser without a window on a page of our own, with a profile that is thrown away and no network.</summary>
internal static class HeadlessBrowser
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    /// <summary>Options that keep a fresh profile quiet and offline.</summary>
    private static readonly string[] Options =
    [
        "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=20000",
    ];

    /// <summary>The page's document after its scripts have run.</summary>
    internal static string Dom(string html) => InFolder(html, (page, folder) => Run(folder, "--dump-dom", page));

    /// <summary>The page printed as PDF, in the size that its style gives.</summary>
    internal static byte[] Pdf(string html) => InFolder(html, (page, folder) =>
    {
        var target = Path.Combine(folder, "chart.pdf");
        Run(folder, "--no-pdf-header-footer", $"--print-to-pdf={target}", page);
        return File.Exists(target) ? File.ReadAllBytes(target) : throw Failed("it printed nothing");
    });

    private static T InFolder<T>(string html, Func<string, string, T> action)
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

    private static Process Start(string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(Browser.Find()) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in Options.Append($"--user-data-dir={Path.Combine(folder, "profile")}").Concat(arguments))
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

    private static string LastLine(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";

    private static SpectralKDException Failed(string how)
        => new($"the browser {Browser.Find()} did not draw the chart: {how}; save as .html instead, or set {Browser.Variable} to another browser");

    private static void Remove(DirectoryInfo folder)
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
