using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Jupyter.Handling;

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
