using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary><c>complete_request</c>: proposals at the cursor.</summary>
internal sealed class CompleteHandler(INotebookSession session) : IMessageHandler
{
    public string RequestType => "complete_request";

    public async Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var code = request.Text("code");
        var cursor = CodePoints.ToUtf16(code, request.Number("cursor_pos", int.MaxValue));
        var completions = await CompleteAsync(code, cursor, request.Overtaken).ConfigureAwait(false);
        var start = CodePoints.FromUtf16(code, completions.Start);
        var end = CodePoints.FromUtf16(code, completions.End);
        return new JsonObject
        {
            ["matches"] = new JsonArray([.. completions.Items.Select(item => (JsonNode)item.Text)]),
            ["cursor_start"] = start,
            ["cursor_end"] = end,
            ["metadata"] = new JsonObject
            {
                ["_jupyter_types_experimental"] = new JsonArray([.. completions.Items.Select(item => Typed(item, start, end))]),
            },
        };
    }

    private async Task<Completions> CompleteAsync(string code, int cursor, CancellationToken overtaken)
    {
        try
        {
            return await session.CompleteAsync(code, cursor, overtaken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (overtaken.IsCancellationRequested)
        {
            return new Completions(cursor, cursor, []);
        }
    }

    private static JsonObject Typed(CompletionProposal item, int start, int end) => new()
    {
        ["start"] = start,
        ["end"] = end,
        ["text"] = item.Text,
        ["type"] = item.Kind,
        ["signature"] = item.Signature,
    };
}

/// <summary><c>inspect_request</c>: signature and documentation at the cursor.</summary>
internal sealed class InspectHandler(INotebookSession session) : IMessageHandler
{
    public string RequestType => "inspect_request";

    public async Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var code = request.Text("code");
        var cursor = CodePoints.ToUtf16(code, request.Number("cursor_pos", int.MaxValue));
        var found = await InspectAsync(code, cursor, request.Overtaken).ConfigureAwait(false);
        return new JsonObject
        {
            ["found"] = found is not null,
            ["data"] = found is null ? new JsonObject() : KernelCellOutput.Json(found),
            ["metadata"] = new JsonObject(),
        };
    }

    private async Task<MimeBundle?> InspectAsync(string code, int cursor, CancellationToken overtaken)
    {
        try
        {
            return await session.InspectAsync(code, cursor, overtaken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (overtaken.IsCancellationRequested)
        {
            return null;
        }
    }
}

/// <summary><c>is_complete_request</c>: whether Enter should run the code.</summary>
internal sealed class IsCompleteHandler(INotebookSession session) : IMessageHandler
{
    public string RequestType => "is_complete_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var completeness = session.IsComplete(request.Text("code"));
        var content = new JsonObject { ["status"] = completeness.Status };
        if (completeness.Status == "incomplete")
        {
            content["indent"] = completeness.Indent;
        }
        return Task.FromResult<JsonObject?>(content);
    }
}
