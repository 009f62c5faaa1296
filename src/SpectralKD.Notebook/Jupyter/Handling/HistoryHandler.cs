using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Execution;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary><c>history_request</c>: what was executed.</summary>
internal sealed class HistoryHandler(KernelHistory history) : IMessageHandler
{
    public string RequestType => "history_request";

    public Task<JsonObject?> HandleAsync(JupyterMessage request)
    {
        var withOutput = request.Flag("output", otherwise: false);
        var entries = request.Text("hist_access_type", "tail") switch
        {
            "tail" => history.Tail(request.Number("n", int.MaxValue)),
            "range" => history.Range(request.Number("session", 0), request.Number("start", 0), request.Number("stop", int.MaxValue)),
            "search" => history.Search(request.Text("pattern", "*"), request.Number("n", int.MaxValue), request.Flag("unique", otherwise: false)),
            var other => throw new MalformedMessageException($"hist_access_type is {other}; range, tail and search are known"),
        };
        return Task.FromResult<JsonObject?>(new JsonObject
        {
            ["history"] = new JsonArray([.. entries.Select(entry => KernelHistory.Json(entry, withOutput))]),
        });
    }
}
