using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using SpectralKD.Tests;

namespace SpectralKD.DotNetInteractive.Tests;

/// <summary>The real kernel of .NET Interactive as VS Code drives it: one JSON command a line in, one JSON event a line out.</summary>
internal sealed class StdioKernel : IAsyncDisposable
{
    private const string Version = "1.0.712001";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly Channel<JsonNode> _events = Channel.CreateUnbounded<JsonNode>();
    private int _count;

    private StdioKernel(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Receive(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Installs the tool into a folder and starts it there; the test is skipped where it cannot be installed.</summary>
    public static async Task<StdioKernel> StartAsync(string folder)
    {
        var (code, output) = await ProgramRun.RunAsync(
            ProgramRun.Dotnet, ["tool", "install", "Microsoft.dotnet-interactive", "--version", Version, "--tool-path", folder]);
        if (code != 0)
        {
            Assert.Skip($"skipped: Microsoft.dotnet-interactive {Version} cannot be installed: {output.Trim()}");
        }

        var start = new ProcessStartInfo(Path.Combine(folder, "dotnet-interactive"), ["stdio", "--default-kernel", "csharp", "--working-dir", folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT"] = "1";
        var kernel = new StdioKernel(Process.Start(start)!);
        await kernel.UntilAsync(received => TypeOf(received) == "KernelReady");
        return kernel;
    }

    /// <summary>Sends a command; its answers come by <see cref="AnswersAsync"/>.</summary>
    public string Send(string type, JsonObject command)
    {
        var token = $"test-{++_count}";
        command["targetKernelName"] = "csharp";
        _process.StandardInput.WriteLine(new JsonObject { ["commandType"] = type, ["command"] = command, ["token"] = token }.ToJsonString());
        _process.StandardInput.Flush();
        return token;
    }

    /// <summary>The events up to the one that ends a command.</summary>
    public Task<List<JsonNode>> AnswersAsync(string token) => UntilAsync(
        received => TypeOf(received) is "CommandSucceeded" or "CommandFailed" && (string?)received["command"]?["token"] == token);

    /// <summary>Runs a cell that must succeed: all that it showed, as <c>MIME type: content</c>.</summary>
    public async Task<List<string>> RunAsync(string code)
    {
        var answers = await AnswersAsync(Send("SubmitCode", new JsonObject { ["code"] = code }));
        Assert.True(TypeOf(answers[^1]) == "CommandSucceeded", $"{code}\n{answers[^1].ToJsonString()}");
        return Shown(answers);
    }

    /// <summary>Runs a cell that must fail: why it did.</summary>
    public async Task<string> FailAsync(string code)
    {
        var answers = await AnswersAsync(Send("SubmitCode", new JsonObject { ["code"] = code }));
        Assert.Equal("CommandFailed", TypeOf(answers[^1]));
        return (string)answers[^1]["event"]!["message"]!;
    }

    /// <summary>Waits for an event.</summary>
    public async Task<List<JsonNode>> UntilAsync(Predicate<JsonNode> isLast)
    {
        using var patience = new CancellationTokenSource(s_patience);
        var received = new List<JsonNode>();
        while (received.Count == 0 || !isLast(received[^1]))
        {
            received.Add(await _events.Reader.ReadAsync(patience.Token));
        }

        return received;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>The kind of an event.</summary>
    public static string TypeOf(JsonNode received) => (string?)received["eventType"] ?? "";

    private static List<string> Shown(IEnumerable<JsonNode> events) =>
    [
        .. events.Where(received => received["event"]?["formattedValues"] is JsonArray)
            .SelectMany(received => received["event"]!["formattedValues"]!.AsArray())
            .Select(value => $"{value!["mimeType"]}: {value["value"]}"),
    ];

    private void Receive(string? line)
    {
        if (line is null)
        {
            _events.Writer.TryComplete();
            return;
        }

        try
        {
            _events.Writer.TryWrite(JsonNode.Parse(line)!);
        }
        catch (JsonException)
        {
            // What native code prints by itself.
        }
    }
}
