using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary><c>interrupt_request</c>: ends the running cell; its variables stay.</summary>
internal sealed class InterruptHandler(RunningCell running) : IMessageHandler
{
    public string RequestType => "interrupt_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        running.Interrupt();
        return Task.FromResult<JsonObject?>([]);
    }
}
