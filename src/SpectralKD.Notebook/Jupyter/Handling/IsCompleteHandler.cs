using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Jupyter.Handling;

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
