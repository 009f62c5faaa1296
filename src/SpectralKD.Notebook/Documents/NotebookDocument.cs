using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>
/// A notebook in memory: nbformat 4.5 JSON (https://nbformat.readthedocs.io/en/latest/format_description.html) with typed views.
/// What it does not know is kept as it was read.
/// </summary>
public sealed class NotebookDocument
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
