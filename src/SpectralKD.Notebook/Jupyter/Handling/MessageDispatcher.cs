using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>Takes a request to its handler and its answer back, between <c>busy</c> and <c>idle</c>. Nothing that a handler throws gets out.</summary>
internal sealed class MessageDispatcher(
    MessageChannel channel, IopubPublisher iopub, MessageWriter writer, Action<string> log, params IReadOnlyList<IMessageHandler> handlers)
{
    private readonly Dictionary<string, IMessageHandler> _handlers = handlers.ToDictionary(handler => handler.RequestType);
    private readonly Lock _gate = new();
    private JupyterMessage? _busyWith;

    /// <summary>Answers a request.</summary>
    public Task DispatchAsync(JupyterMessage request) => WhileBusyAsync(request, () => AnswerAsync(request));

    /// <summary>Answers a request while others, a cell among them, may be at work; front ends show the latest status, which then is the cell's again.</summary>
    public async Task DispatchBesideAsync(JupyterMessage request)
    {
        iopub.Status(request, "busy");
        await AnswerAsync(request).ConfigureAwait(false);
        lock (_gate)
        {
            iopub.Status(request, "idle");
            if (_busyWith is { } other)
            {
                iopub.Status(other, "busy");
            }
        }
    }

    /// <summary>Tells the client that its request was called off because an earlier one failed.</summary>
    public Task CallOffAsync(JupyterMessage request) => WhileBusyAsync(request, () =>
    {
        Reply(request, new JsonObject { ["status"] = "aborted" });
        return Task.CompletedTask;
    });

    private async Task WhileBusyAsync(JupyterMessage request, Func<Task> act)
    {
        SayBusyWith(request, request, "busy");
        await act().ConfigureAwait(false);
        SayBusyWith(null, request, "idle");
    }

    private void SayBusyWith(JupyterMessage? busyWith, JupyterMessage request, string state)
    {
        lock (_gate)
        {
            _busyWith = busyWith;
            iopub.Status(request, state);
        }
    }

    private async Task AnswerAsync(JupyterMessage request)
    {
        if (!_handlers.TryGetValue(request.Type, out var handler))
        {
            log($"a message of the unknown type {request.Type} was ignored");
            return;
        }
        try
        {
            var content = await handler.HandleAsync(request).ConfigureAwait(false);
            if (content is not null)
            {
                content.TryAdd("status", "ok");
                Reply(request, content);
            }
        }
#pragma warning disable CA1031 // One request, however bad, must not end the kernel.
        catch (Exception error)
#pragma warning restore CA1031
        {
            log($"{request.Type}: {error.Message}");
            Reply(request, new JsonObject
            {
                ["status"] = "error",
                ["ename"] = error is MalformedMessageException ? "MalformedMessage" : error.GetType().Name,
                ["evalue"] = error.Message,
                ["traceback"] = new JsonArray(),
            });
        }
    }

    private void Reply(JupyterMessage request, JsonObject content)
        => channel.Send(writer.Reply(request, request.Type.Replace("_request", "_reply", StringComparison.Ordinal), content));
}
