using System.Text;
using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Running;

/// <summary>One output of a cell, before it becomes nbformat JSON.</summary>
internal abstract class CollectedOutput
{
    /// <summary>True until the cell's JSON shows it.</summary>
    public bool IsNew { get; set; } = true;

    public abstract JsonObject ToJson();

    public virtual void Replace(JsonObject data)
    {
    }

    public static JsonObject DataOf(MimeBundle bundle)
    {
        var data = new JsonObject();
        foreach (var (mimeType, content) in bundle.Data.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            data[mimeType] = MultilineText.IsSplit(mimeType) && MultilineText.IsText(content)
                ? MultilineText.Split(MultilineText.Join(content))
                : content.DeepClone();
        }
        return data;
    }
}

/// <summary>Console text; grows while the same stream goes on.</summary>
internal sealed class StreamOutput(string name) : CollectedOutput
{
    private readonly StringBuilder _text = new();

    public string Name { get; } = name;

    public void Append(string text)
    {
        _text.Append(text);
        IsNew = true;
    }

    public override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["output_type"] = "stream",
        ["text"] = MultilineText.Split(_text.ToString()),
    };
}

/// <summary>Something displayed; an update replaces its data.</summary>
internal sealed class DisplayOutput(JsonObject data) : CollectedOutput
{
    private JsonObject _data = data;

    public override void Replace(JsonObject data)
    {
        _data = data;
        IsNew = true;
    }

    public override JsonObject ToJson() => new()
    {
        ["data"] = _data.DeepClone(),
        ["metadata"] = new JsonObject(),
        ["output_type"] = "display_data",
    };
}

/// <summary>The value of a cell's last expression.</summary>
internal sealed class ResultOutput(JsonObject data, int executionCount) : CollectedOutput
{
    public override JsonObject ToJson() => new()
    {
        ["data"] = data.DeepClone(),
        ["execution_count"] = executionCount,
        ["metadata"] = new JsonObject(),
        ["output_type"] = "execute_result",
    };
}

/// <summary>Why a cell failed.</summary>
internal sealed class ErrorOutput(CellError error) : CollectedOutput
{
    public override JsonObject ToJson() => new()
    {
        ["ename"] = error.Name,
        ["evalue"] = error.Message,
        ["output_type"] = "error",
        ["traceback"] = new JsonArray([.. error.Traceback.Select(line => (JsonNode)line)]),
    };
}
