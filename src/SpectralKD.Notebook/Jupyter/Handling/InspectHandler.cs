using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Jupyter.Handling;

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
