using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

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

/// <summary>
/// One start of a browser without a window that draws any number of charts, spoken to by its DevTools protocol on a port of this machine. It has an empty page, a profile that is
/// thrown away and no network. One thread at a time.
/// </summary>
internal sealed class BrowserSession : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("spectralkd-chart-");
    private readonly ClientWebSocket _socket = new();
    private readonly Process _process;
    private string? _session;
    private int _number;

    /// <summary>Starts the browser and loads plotly.js into its page.</summary>
    /// <exception cref="SpectralKDException">There is no browser, or it does not answer.</exception>
    internal BrowserSession()
    {
        try
        {
            _process = HeadlessBrowser.Start(_folder.FullName, "--remote-debugging-port=0", "about:blank");
            Connect();
            var target = Call("Target.createTarget", new JsonObject { ["url"] = "about:blank" })["targetId"]!.GetValue<string>();
            _session = Call("Target.attachToTarget", new JsonObject { ["targetId"] = target, ["flatten"] = true })["sessionId"]!.GetValue<string>();
            Call("Runtime.evaluate", new JsonObject { ["expression"] = PlotlyScript.Source + ";0" });
            Evaluate(NarrowFigure.Function + ";''");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs a script in the page and waits for what it promises, a text.</summary>
    internal string Evaluate(string script)
    {
        var answer = Call("Runtime.evaluate", new JsonObject { ["expression"] = script, ["awaitPromise"] = true, ["returnByValue"] = true });
        return answer["exceptionDetails"] is { } error
            ? throw HeadlessBrowser.Failed((error["exception"]?["description"] ?? error["text"])?.ToString().Split('\n')[0] ?? "an error without words")
            : answer["result"]?["value"]?.ToString() ?? "";
    }

    /// <summary>A page of one picture, printed in its size.</summary>
    /// <param name="svg">The picture.</param>
    /// <param name="width">Width in CSS pixels, 96 to the inch.</param>
    /// <param name="height">Height in CSS pixels.</param>
    internal byte[] Pdf(string svg, double width, double height)
    {
        Evaluate($"document.open();document.write({JsonSerializer.Serialize(Invariant($"<style>@page{{margin:0}}html,body{{margin:0;overflow:hidden}}svg{{display:block;width:{width:0.##}px;height:{height - 1:0.##}px}}</style>") + svg)});document.close();''");
        var printed = Call("Page.printToPDF", new JsonObject
        {
            ["paperWidth"] = width / 96,
            ["paperHeight"] = height / 96,
            ["printBackground"] = true,
            ["marginTop"] = 0,
            ["marginBottom"] = 0,
            ["marginLeft"] = 0,
            ["marginRight"] = 0,
        });
        return Convert.FromBase64String(printed["data"]!.GetValue<string>());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        try
        {
            _process?.Kill(entireProcessTree: true);
            _process?.WaitForExit(TimeSpan.FromSeconds(10));
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }

        _process?.Dispose();
        HeadlessBrowser.Remove(_folder);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>The browser writes the port that it chose, and its address there, into its profile.</summary>
    private void Connect()
    {
        var file = Path.Combine(HeadlessBrowser.Profile(_folder.FullName), "DevToolsActivePort");
        var clock = Stopwatch.StartNew();
        while (!File.Exists(file) || File.ReadAllLines(file).Length < 2)
        {
            if (_process.HasExited || clock.Elapsed > Limit)
            {
                throw HeadlessBrowser.Failed(_process.HasExited ? Invariant($"it ended with code {_process.ExitCode}") : "it did not answer");
            }

            Thread.Sleep(50);
        }

        var lines = File.ReadAllLines(file);
        using var limit = new CancellationTokenSource(Limit);
        _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{lines[0]}{lines[1]}"), limit.Token).GetAwaiter().GetResult();
    }

    private JsonNode Call(string method, JsonObject parameters)
    {
        var message = new JsonObject { ["id"] = ++_number, ["method"] = method, ["params"] = parameters };
        if (_session is not null)
        {
            message["sessionId"] = _session;
        }

        using var limit = new CancellationTokenSource(Limit);
        try
        {
            _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, endOfMessage: true, limit.Token).GetAwaiter().GetResult();
            while (true)
            {
                var answer = Receive(limit.Token);
                if (answer["id"]?.GetValue<int>() == _number) // all else are events
                {
                    return answer["result"] ?? throw HeadlessBrowser.Failed(answer["error"]?["message"]?.ToString() ?? "it refused");
                }
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            throw HeadlessBrowser.Failed(error is OperationCanceledException ? Invariant($"it did not finish within {Limit.TotalSeconds} s") : error.Message);
        }
    }

    private JsonNode Receive(CancellationToken cancellation)
    {
        using var text = new MemoryStream();
        var buffer = new byte[1 << 16];
        ValueWebSocketReceiveResult part;
        do
        {
            part = _socket.ReceiveAsync(buffer.AsMemory(), cancellation).AsTask().GetAwaiter().GetResult();
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(text.ToArray()) ?? throw HeadlessBrowser.Failed("it closed the connection");
    }
}
