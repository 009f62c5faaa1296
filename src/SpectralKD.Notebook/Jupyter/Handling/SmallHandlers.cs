using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>Answers one type of request.</summary>
internal interface IMessageHandler
{
    /// <summary>The type it answers, for instance <c>kernel_info_request</c>.</summary>
    string RequestType { get; }

    /// <summary>The content of the reply, without its status where that is <c>ok</c>; null where the protocol has no reply.</summary>
    /// <exception cref="MalformedMessageException">The request's content is not what the protocol says; the reply is an error.</exception>
    Task<JsonObject?> HandleAsync(JupyterMessage request);
}

/// <summary><c>kernel_info_request</c>: who the kernel is and which language it speaks.</summary>
internal sealed class KernelInfoHandler : IMessageHandler
{
    public string RequestType => "kernel_info_request";

    public static string Version { get; } = typeof(KernelInfoHandler).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(new JsonObject
    {
        ["protocol_version"] = MessageWriter.ProtocolVersion,
        ["implementation"] = "spectralkd",
        ["implementation_version"] = Version,
        ["banner"] = $"SpectralKD.Interactive {Version}: C# on .NET {Environment.Version}. #!spectral-help lists the commands.",
        ["debugger"] = false,
        ["help_links"] = new JsonArray(),
        ["language_info"] = new JsonObject
        {
            ["name"] = "C#",
            ["version"] = "14.0",
            ["mimetype"] = "text/x-csharp",
            ["file_extension"] = ".cs",
            ["pygments_lexer"] = "csharp",
            ["codemirror_mode"] = "text/x-csharp",
        },
    });
}

/// <summary><c>history_request</c>: what was executed.</summary>
internal sealed class HistoryHandler(KernelHistory history) : IMessageHandler
{
    public string RequestType => "history_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var withOutput = request.Flag("output", otherwise: false);
        var entries = request.Text("hist_access_type", "tail") switch
        {
            "tail" => history.Tail(request.Number("n", int.MaxValue)),
            "range" => history.Range(request.Number("session", 0), request.Number("start", 0), request.Number("stop", int.MaxValue)),
            "search" => history.Search(request.Text("pattern", "*"), request.Number("n", int.MaxValue), request.Flag("unique", otherwise: false)),
            var other => throw new MalformedMessageException($"hist_access_type is {other}; range, tail and search are known"),
        };
        return Task.FromResult<JsonObject?>(new JsonObject
        {
            ["history"] = new JsonArray([.. entries.Select(entry => KernelHistory.Json(entry, withOutput))]),
        });
    }
}

/// <summary><c>interrupt_request</c>: ends the running cell; its variables stay.</summary>
internal sealed class InterruptHandler(RunningCell running) : IMessageHandler
{
    public string RequestType => "interrupt_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        running.Interrupt();
        return Task.FromResult<JsonObject?>([]);
    }
}

/// <summary><c>shutdown_request</c>: ends the kernel, and tells every client. To restart, the client starts a new one.</summary>
internal sealed class ShutdownHandler(IopubPublisher iopub, RunningCell running, KernelLife life) : IMessageHandler
{
    public string RequestType => "shutdown_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var content = new JsonObject { ["status"] = "ok", ["restart"] = request.Flag("restart", otherwise: false) };
        running.Interrupt();
        iopub.Publish(request, "shutdown_reply", (JsonObject)content.DeepClone());
        life.End();
        return Task.FromResult<JsonObject?>(content);
    }
}

/// <summary><c>comm_info_request</c>: which comms are open. None ever is.</summary>
internal sealed class CommInfoHandler : IMessageHandler
{
    public string RequestType => "comm_info_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(new JsonObject { ["comms"] = new JsonObject() });
}

/// <summary><c>comm_open</c>: the kernel has no target for it and closes it at once, as the protocol asks.</summary>
internal sealed class CommOpenHandler(IopubPublisher iopub) : IMessageHandler
{
    public string RequestType => "comm_open";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        iopub.Publish(request, "comm_close", new JsonObject { ["comm_id"] = request.Text("comm_id"), ["data"] = new JsonObject() });
        return Task.FromResult<JsonObject?>(null);
    }
}

/// <summary>A message that has no reply and nothing to do here: <c>comm_msg</c> and <c>comm_close</c> of a comm that never opened.</summary>
internal sealed class IgnoredHandler(string type) : IMessageHandler
{
    public string RequestType => type;

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(null);
}

/// <summary>Whether the kernel goes on, and what ends it.</summary>
internal sealed class KernelLife
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the kernel is to end.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the kernel; further calls do nothing.</summary>
    public void End() => _ended.TrySetResult();
}
