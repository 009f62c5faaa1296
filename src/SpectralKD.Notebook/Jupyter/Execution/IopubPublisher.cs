using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Transport;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Execution;

/// <summary>Tells everybody who listens what happens, from any thread.</summary>
internal sealed class IopubPublisher(MessageChannel iopub, MessageWriter writer)
{
    public void Publish(JupyterMessage? about, string type, JsonObject content) => iopub.Send(writer.Broadcast(about, type, content));

    /// <summary><c>starting</c>, <c>busy</c> or <c>idle</c>.</summary>
    public void Status(JupyterMessage? about, string state) => Publish(about, "status", new JsonObject { ["execution_state"] = state });

    public void Stream(JupyterMessage? about, string name, string text)
        => Publish(about, "stream", new JsonObject { ["name"] = name, ["text"] = text });
}
