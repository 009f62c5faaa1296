using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary><c>execute_request</c>: runs a cell.</summary>
internal sealed class ExecuteHandler(
    INotebookSession session, IopubPublisher iopub, RunningCell running, KernelHistory history, ShellQueue queue) : IMessageHandler
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private readonly Lazy<Task> _editing = new(() => Task.Run(() => PrepareEditingAsync(session, running)));
    private int _executionCount;

    public string RequestType => "execute_request";

    public async Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var code = request.Text("code");
        var isSilent = request.Flag("silent", otherwise: false);
        // As in IPython, an empty cell does not count.
        var isStored = !isSilent && !string.IsNullOrWhiteSpace(code) && request.Flag("store_history", otherwise: true);
        var stopsOnError = request.Flag("stop_on_error", otherwise: true);
        var expressions = request.Content["user_expressions"] as JsonObject ?? [];
        var interrupted = running.Begin(request);
        try
        {
            _executionCount += isStored ? 1 : 0;
            var error = isSilent
                ? (await RunAsync(code, new NullCellOutput(), interrupted).ConfigureAwait(false)).Error
                : await RunAloudAsync(request, code, isStored, interrupted).ConfigureAwait(false);
            if (error is not null)
            {
                CallOff(stopsOnError);
                return Failed(error);
            }
            PrepareEditing(request);
            return await SucceededAsync(expressions, interrupted).ConfigureAwait(false);
        }
        finally
        {
            running.End();
        }
    }

    // The first Tab would wait two seconds for Roslyn's editing services; a client that takes input has a person in front of it. Cells that follow at once go first.
    private static async Task PrepareEditingAsync(INotebookSession session, RunningCell running)
    {
        do
        {
            await Task.Delay(Pause).ConfigureAwait(false);
        }
        while (running.IsRunning);
        await session.CompleteAsync("\"\".Sub", 6).ConfigureAwait(false);
        await session.InspectAsync("int.Parse(", 10).ConfigureAwait(false);
    }

    private void PrepareEditing(JupyterMessage request)
    {
        if (request.Flag("allow_stdin", otherwise: true))
        {
            _ = _editing.Value;
        }
    }

    private async Task<CellError?> RunAloudAsync(JupyterMessage request, string code, bool isStored, CancellationToken interrupted)
    {
        iopub.Publish(request, "execute_input", new JsonObject { ["code"] = code, ["execution_count"] = _executionCount });
        var wire = new KernelCellOutput(iopub, request, _executionCount);
        var output = new HistoryOutput(wire);
        var result = await RunAsync(code, output, interrupted).ConfigureAwait(false);
        if (result.Error is not null)
        {
            wire.Error(result.Error);
        }
        if (isStored)
        {
            history.Add(_executionCount, code, output.Result);
        }
        return result.Error;
    }

    private async Task<CellResult> RunAsync(string code, ICellOutput output, CancellationToken interrupted)
    {
        try
        {
            if (session is CSharpSession csharp)
            {
                csharp.NextCellNumber = Math.Max(_executionCount, 1);
            }
            return await session.ExecuteAsync(code, output, interrupted).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new CellResult(new CellError("Interrupted", "the cell was interrupted", ["the cell was interrupted"]));
        }
    }

    private void CallOff(bool stopsOnError)
    {
        if (stopsOnError)
        {
            queue.CallOffWaiting();
        }
    }

    private JsonObject Failed(CellError error)
    {
        var content = KernelCellOutput.ErrorContent(error);
        content["status"] = "error";
        content["execution_count"] = _executionCount;
        return content;
    }

    private async Task<JsonObject> SucceededAsync(JsonObject expressions, CancellationToken interrupted)
    {
        var values = new JsonObject();
        foreach (var (name, expression) in expressions)
        {
            values[name] = await EvaluateAsync(expression, interrupted).ConfigureAwait(false);
        }
        return new JsonObject
        {
            ["status"] = "ok",
            ["execution_count"] = _executionCount,
            ["user_expressions"] = values,
            ["payload"] = new JsonArray(),
        };
    }

    private static CellError NoText(JsonNode? expression)
    {
        var message = $"user_expressions takes C# expressions as text; found {expression?.ToJsonString() ?? "null"}";
        return new CellError("SpectralKDError", message, [message]);
    }

    private async Task<JsonObject> EvaluateAsync(JsonNode? expression, CancellationToken interrupted)
    {
        var output = new NullCellOutput();
        var result = expression?.GetValueKind() == JsonValueKind.String
            ? await RunAsync(expression.GetValue<string>(), output, interrupted).ConfigureAwait(false)
            : new CellResult(NoText(expression));
        if (result.Error is not null)
        {
            var content = KernelCellOutput.ErrorContent(result.Error);
            content["status"] = "error";
            return content;
        }
        return new JsonObject
        {
            ["status"] = "ok",
            ["data"] = output.Result is null ? new JsonObject() : KernelCellOutput.Json(output.Result),
            ["metadata"] = new JsonObject(),
        };
    }
}
