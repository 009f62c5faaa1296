using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Interactive;

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
