using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary>A message that has no reply and nothing to do here: <c>comm_msg</c> and <c>comm_close</c> of a comm that never opened.</summary>
internal sealed class IgnoredHandler(string type) : IMessageHandler
{
    public string RequestType => type;

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(null);
}
