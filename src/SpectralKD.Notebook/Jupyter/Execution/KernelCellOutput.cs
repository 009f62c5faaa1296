using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>Sends a cell's output on iopub as the answer to its request, also what its threads write after it ended.</summary>
internal sealed class KernelCellOutput(IopubPublisher iopub, JupyterMessage request, int executionCount) : ICellOutput
{
    /// <summary>As VS Code and JupyterLab send it; classic Notebook sends none.</summary>
    public string? CellId => Text(request.Metadata["cellId"]);

    /// <summary>As JupyterLab sends them.</summary>
    public IReadOnlyList<string> DeletedCells => request.Metadata["deletedCells"] is JsonArray cells ? [.. cells.Select(Text).OfType<string>()] : [];

    public void Stream(string name, string text) => iopub.Stream(request, name, text);

    public void DisplayData(MimeBundle data, string displayId) => Display("display_data", data, displayId);

    public void UpdateDisplayData(MimeBundle data, string displayId) => Display("update_display_data", data, displayId);

    public void ExecuteResult(MimeBundle data) => iopub.Publish(request, "execute_result", new JsonObject
    {
        ["execution_count"] = executionCount,
        ["data"] = Json(data),
        ["metadata"] = new JsonObject(),
    });

    public void ClearOutput(bool wait) => iopub.Publish(request, "clear_output", new JsonObject { ["wait"] = wait });

    public void Error(CellError error) => iopub.Publish(request, "error", ErrorContent(error));

    /// <summary>A bundle as the content of a message has it.</summary>
    public static JsonObject Json(MimeBundle bundle)
    {
        var data = new JsonObject();
        foreach (var (mimeType, content) in bundle.Data)
        {
            data[mimeType] = content.DeepClone();
        }
        return data;
    }

    /// <summary>The three members by which Jupyter describes an error.</summary>
    public static JsonObject ErrorContent(CellError error) => new()
    {
        ["ename"] = error.Name,
        ["evalue"] = error.Message,
        ["traceback"] = new JsonArray([.. error.Traceback.Select(line => (JsonNode)line)]),
    };

    private static string? Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;

    private void Display(string type, MimeBundle data, string displayId) => iopub.Publish(request, type, new JsonObject
    {
        ["data"] = Json(data),
        ["metadata"] = new JsonObject(),
        ["transient"] = new JsonObject { ["display_id"] = displayId },
    });
}

/// <summary>Tells everybody who listens what happens, from any thread.</summary>
internal sealed class IopubPublisher(MessageChannel iopub, MessageWriter writer)
{
    public void Publish(JupyterMessage? about, string type, JsonObject content) => iopub.Send(writer.Broadcast(about, type, content));

    /// <summary><c>starting</c>, <c>busy</c> or <c>idle</c>.</summary>
    public void Status(JupyterMessage? about, string state) => Publish(about, "status", new JsonObject { ["execution_state"] = state });

    public void Stream(JupyterMessage? about, string name, string text)
        => Publish(about, "stream", new JsonObject { ["name"] = name, ["text"] = text });
}

/// <summary>The output of a silent execution or of a user expression: nobody hears it; the value is kept.</summary>
internal sealed class NullCellOutput : ICellOutput
{
    /// <summary>The value of the last expression.</summary>
    public MimeBundle? Result { get; private set; }

    public bool IsSeen => false;

    public void Stream(string name, string text)
    {
    }

    public void DisplayData(MimeBundle data, string displayId)
    {
    }

    public void UpdateDisplayData(MimeBundle data, string displayId)
    {
    }

    public void ExecuteResult(MimeBundle data) => Result = data;

    public void ClearOutput(bool wait)
    {
    }
}
