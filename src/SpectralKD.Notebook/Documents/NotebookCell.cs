using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>What a cell of a notebook is.</summary>
public enum CellKind
{
    /// <summary>Source that a kernel executes.</summary>
    Code,

    /// <summary>Formatted text.</summary>
    Markdown,

    /// <summary>Text for other tools; never executed nor rendered.</summary>
    Raw,
}

/// <summary>One cell of a <see cref="NotebookDocument"/>: a view of its JSON, which keeps everything that it does not know.</summary>
public sealed class NotebookCell
{
    internal NotebookCell(JsonObject json) => Json = json;

    /// <summary>The cell's JSON as nbformat 4.5 has it.</summary>
    public JsonObject Json { get; }

    /// <summary>Unique within the notebook, 1 to 64 characters of <c>a-z A-Z 0-9 - _</c>.</summary>
    public string Id => Json["id"]!.GetValue<string>();

    /// <summary>Code, markdown or raw.</summary>
    public CellKind Kind => Json["cell_type"]!.GetValue<string>() switch
    {
        "code" => CellKind.Code,
        "markdown" => CellKind.Markdown,
        _ => CellKind.Raw,
    };

    /// <summary>The cell's text; lines end in <c>\n</c>.</summary>
    public string Source
    {
        get => MultilineText.Join(Json["source"]);
        set => Json.SetSorted("source", MultilineText.Split(value));
    }

    /// <summary>The cell's metadata, unknown entries included.</summary>
    public JsonObject Metadata => (JsonObject)Json["metadata"]!;

    /// <summary>The cell's tags, for instance <c>parameters</c>.</summary>
    public IReadOnlyList<string> Tags => Metadata["tags"] is JsonArray tags
        ? [.. tags.Where(tag => tag?.GetValueKind() == JsonValueKind.String).Select(tag => tag!.GetValue<string>())]
        : [];

    /// <summary>The outputs of a code cell as nbformat has them; empty for other cells.</summary>
    public JsonArray Outputs
    {
        get => Json["outputs"] as JsonArray ?? [];
        set => Json.SetSorted("outputs", value);
    }

    /// <summary>How many cells had run when this one did, itself included; null where it has not run.</summary>
    public int? ExecutionCount
    {
        get => Json["execution_count"] is JsonValue value && value.TryGetValue<int>(out var count) ? count : null;
        set => Json.SetSorted("execution_count", value);
    }

    /// <summary>A new code cell without outputs.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="tags">Its tags.</param>
    public static NotebookCell Code(string source, params IReadOnlyList<string> tags) => new(new JsonObject
    {
        ["cell_type"] = "code",
        ["execution_count"] = null,
        ["id"] = CellIds.Fresh(),
        ["metadata"] = MetadataWith(tags),
        ["outputs"] = new JsonArray(),
        ["source"] = MultilineText.Split(source),
    });

    /// <summary>A new markdown cell.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="tags">Its tags.</param>
    public static NotebookCell Markdown(string source, params IReadOnlyList<string> tags) => new(new JsonObject
    {
        ["cell_type"] = "markdown",
        ["id"] = CellIds.Fresh(),
        ["metadata"] = MetadataWith(tags),
        ["source"] = MultilineText.Split(source),
    });

    private static JsonObject MetadataWith(IReadOnlyList<string> tags)
        => tags.Count == 0 ? [] : new JsonObject { ["tags"] = new JsonArray([.. tags.Select(tag => (JsonNode)tag)]) };
}
