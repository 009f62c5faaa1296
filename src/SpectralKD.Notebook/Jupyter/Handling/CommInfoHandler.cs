using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary><c>comm_info_request</c>: which comms are open. None ever is.</summary>
internal sealed class CommInfoHandler : IMessageHandler
{
    public string RequestType => "comm_info_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(new JsonObject { ["comms"] = new JsonObject() });
}
