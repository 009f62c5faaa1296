using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// A notebook in memory: nbformat 4.5 JSON (https://nbformat.readthedocs.io/en/latest/format_description.html) with typed views.
/// What it does not know is kept as it was read.
/// </summary>
internal sealed class NotebookDocument
{
    private readonly List<NotebookCell> _cells;

    internal NotebookDocument(JsonObject json, string? path, IReadOnlyList<string> notes)
    {
        Json = json;
        Path = path;
        Notes = notes;
        _cells = [.. CellArray.Select(cell => new NotebookCell((JsonObject)cell!))];
    }

    /// <summary>The whole notebook's JSON.</summary>
    public JsonObject Json { get; }

    /// <summary>The file it was read from; null for a new one. Images that its text names are relative to this file's folder.</summary>
    public string? Path { get; }

    /// <summary>What was not as it should be in the file and how it was read nevertheless, one line each; empty for a sound file.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The notebook's metadata, unknown entries included.</summary>
    public JsonObject Metadata => (JsonObject)Json["metadata"]!;

    /// <summary>The cells from top to bottom.</summary>
    public IReadOnlyList<NotebookCell> Cells => _cells;

    private JsonArray CellArray => (JsonArray)Json["cells"]!;

    /// <summary>A new C# notebook without cells.</summary>
    public static NotebookDocument Create() => new(CSharpNotebook.Empty(), null, []);

    /// <summary>
    /// Reads an <c>.ipynb</c> (nbformat 4.0 to 4.5) or a <c>.dib</c> file. As in Jupyter, <c>NaN</c> is a number and the last of two equal
    /// names in an object counts; bytes that are no UTF-8 become U+FFFD. <see cref="Notes"/> says so.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SpectralKDException">It cannot be read, or is no such notebook; the message says what was found.</exception>
    public static NotebookDocument Load(string path)
    {
        var text = NotebookText.Decode(NotebookFile.Read(path), path);
        return path.EndsWith(".dib", StringComparison.OrdinalIgnoreCase) ? DibReader.Read(text, path) : NotebookReader.Read(text, path);
    }

    /// <summary>Reads a notebook's JSON (nbformat 4.0 to 4.5).</summary>
    /// <param name="json">The text of an <c>.ipynb</c> file.</param>
    /// <exception cref="SpectralKDException">It is no such notebook; the message says what was found.</exception>
    public static NotebookDocument Parse(string json) => NotebookReader.Read(new NotebookText(Encoding.UTF8.GetBytes(json), []), null);

    /// <summary>Adds a cell.</summary>
    /// <param name="index">Its 0-based place; cells from there on move down.</param>
    /// <param name="cell">A cell of no notebook.</param>
    public void Insert(int index, NotebookCell cell)
    {
        CellArray.Insert(index, cell.Json);
        _cells.Insert(index, cell);
    }

    /// <summary>Takes a cell out.</summary>
    /// <param name="cell">A cell of this notebook.</param>
    public void Remove(NotebookCell cell)
    {
        CellArray.Remove(cell.Json);
        _cells.Remove(cell);
    }

    /// <summary>The notebook as Jupyter would write it.</summary>
    public string ToJson() => PythonJson.Write(Json);

    /// <summary>Writes the notebook, all of it or nothing: to a temporary file, which then takes the name.</summary>
    /// <param name="path">An <c>.ipynb</c> file; its folder is made where missing.</param>
    /// <exception cref="SpectralKDException">It cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteText(path, ToJson());
}

/// <summary>What a cell of a notebook is.</summary>
internal enum CellKind
{
    /// <summary>Source that a kernel executes.</summary>
    Code,

    /// <summary>Formatted text.</summary>
    Markdown,

    /// <summary>Text for other tools; never executed nor rendered.</summary>
    Raw,
}

/// <summary>One cell of a <see cref="NotebookDocument"/>: a view of its JSON, which keeps everything that it does not know.</summary>
internal sealed class NotebookCell
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

/// <summary>Cell ids as nbformat 4.5 asks for them.</summary>
internal static partial class CellIds
{
    public static string Fresh() => Guid.NewGuid().ToString("N")[..8];

    /// <summary>
    /// Gives an id to every cell that lacks a valid, unique one. It follows from the cell's text and place, so that reading an old
    /// notebook twice gives the same ids.
    /// </summary>
    public static void Complete(JsonArray cells)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var without = new List<int>();
        for (var index = 0; index < cells.Count; index++)
        {
            if (!IsValid(cells[index]!["id"]) || !taken.Add(cells[index]!["id"]!.GetValue<string>()))
            {
                without.Add(index);
            }
        }
        foreach (var index in without)
        {
            ((JsonObject)cells[index]!).SetSorted("id", Derive(index, MultilineText.Join(cells[index]!["source"]), taken));
        }
    }

    private static bool IsValid(JsonNode? id) => id?.GetValueKind() == JsonValueKind.String && ValidId().IsMatch(id.GetValue<string>());

    private static string Derive(int index, string source, HashSet<string> taken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{index}/{attempt}/{source}"));
            var id = Convert.ToHexStringLower(hash)[..8];
            if (taken.Add(id))
            {
                return id;
            }
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}\\z")]
    private static partial Regex ValidId();
}

/// <summary>The JSON of a new C# notebook, with the metadata that VS Code and Jupyter write for one.</summary>
internal static class CSharpNotebook
{
    public static JsonObject Empty() => new()
    {
        ["cells"] = new JsonArray(),
        ["metadata"] = new JsonObject
        {
            ["kernelspec"] = new JsonObject
            {
                ["display_name"] = ".NET (C#)",
                ["language"] = "C#",
                ["name"] = ".net-csharp",
            },
            ["language_info"] = new JsonObject
            {
                ["file_extension"] = ".cs",
                ["mimetype"] = "text/x-csharp",
                ["name"] = "polyglot-notebook",
                ["pygments_lexer"] = "csharp",
            },
        },
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    };
}
