using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

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
