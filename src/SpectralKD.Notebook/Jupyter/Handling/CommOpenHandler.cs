using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

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
