using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>Reads whole files; what cannot be done is said in one line.</summary>
internal static class NotebookFile
{
    public static byte[] Read(string path)
    {
        if (Directory.Exists(path))
        {
            throw new SpectralKDException($"{path} is a folder; name a notebook (.ipynb or .dib) in it");
        }
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SpectralKDException($"there is no notebook {path}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SpectralKDException($"cannot read the notebook {path}: {error.Message}", error);
        }
    }
}

/// <summary>A notebook file's text in sound UTF-8 without a byte order mark, and what had to be done to get there.</summary>
internal sealed record NotebookText(byte[] Utf8, IReadOnlyList<string> Notes)
{
    private const char Replacement = '\uFFFD';

    /// <exception cref="SpectralKDException">It is in UTF-16.</exception>
    public static NotebookText Decode(byte[] bytes, string path) => bytes switch
    {
        [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] => throw new SpectralKDException($"{path} is text in UTF-16, a notebook is UTF-8; save it in that encoding"),
        [0xEF, 0xBB, 0xBF, .. var rest] => Mend(rest),
        _ => Mend(bytes),
    };

    private static NotebookText Mend(byte[] bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return new NotebookText(bytes, []);
        }
        var sound = Encoding.UTF8.GetString(bytes);
        var mended = Encoding.UTF8.GetBytes(sound);
        var count = sound.Count(character => character == Replacement) - bytes.AsSpan().Count("\uFFFD"u8);
        var line = 1 + bytes.AsSpan(0, bytes.AsSpan().CommonPrefixLength(mended)).Count((byte)'\n');
        return new NotebookText(mended, [$"{(count == 1 ? "1 place that is" : $"{count} places that are")} no UTF-8, {(count == 1 ? "in" : "the first in")} line {line}, {(count == 1 ? "is" : "are")} read as {Replacement}; save the file in UTF-8"]);
    }
}

/// <summary>Reads nbformat 4.0 to 4.5 and brings it to 4.5; refuses anything else in one line that says what was found.</summary>
internal static class NotebookReader
{
    public static NotebookDocument Read(NotebookText text, string? path)
    {
        var name = path ?? "the notebook";
        var (root, notes) = ParseRoot(text.Utf8, name);
        CheckVersion(root, name);
        CheckCells(root, name);
        SetIfMissing(root, "metadata", new JsonObject());
        Require(root["metadata"] is JsonObject, name, $"its metadata is {Kind(root["metadata"])} instead of an object");
        BringTo45(root);
        return new NotebookDocument(root, path, [.. text.Notes, .. notes]);
    }

    private static (JsonObject Root, IReadOnlyList<string> Notes) ParseRoot(byte[] json, string name)
    {
        JsonNode? root;
        IReadOnlyList<string> notes;
        try
        {
            (root, notes) = PythonJsonReader.Read(json);
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"{name} is not a notebook: {NotJson(json, error)}", error);
        }
        return root is JsonObject found
            ? (found, notes)
            : throw new SpectralKDException($"{name} is not a notebook: found JSON with {Kind(root)} at the top");
    }

    private static string NotJson(ReadOnlySpan<byte> json, JsonException error)
    {
        if (json.Trim(" \t\r\n"u8).IsEmpty)
        {
            return "the file is empty";
        }
        var beginning = Encoding.UTF8.GetString(json[..Math.Min(json.Length, 40)]);
        var firstLine = new string([.. beginning.TrimStart().TakeWhile(character => character is not ('\r' or '\n'))]);
        var place = $"line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}";
        return firstLine.StartsWith('{')
            ? $"its JSON breaks off or is wrong at {place} ({Short(error.Message.Split(" LineNumber:")[0].Split(" Path:")[0])})"
            : $"it is not JSON, it begins with \"{Printable(firstLine)}\"";
    }

    // The parser's message may quote the file at length.
    public static string Short(string message) => message.Length > 120 ? message[..120] + "…" : message;

    private static string Printable(string text)
        => new([.. text.Take(24).Select(character => char.IsControl(character) || character == '\uFFFD' ? '?' : character)]);

    private static void CheckVersion(JsonObject root, string name)
    {
        if (root["nbformat"] is not JsonValue value || !value.TryGetValue<int>(out var major))
        {
            Require(root["nbformat"] is null, name, $"its nbformat version is {Text(root["nbformat"])} instead of a whole number; 4 is known");
            var found = string.Join(", ", root.Select(member => member.Key).Take(5));
            throw new SpectralKDException($"{name} is not a notebook: its JSON has no nbformat version, found {(found.Length == 0 ? "{}" : found)}");
        }
        if (major < 4)
        {
            throw new SpectralKDException($"{name} is an nbformat {major} notebook, 4 is needed; convert it: "
                + $"jupyter nbconvert --to notebook --inplace {System.IO.Path.GetFileName(name)}");
        }
        if (major > 4)
        {
            throw new SpectralKDException($"{name} is an nbformat {major} notebook, the newest known is 4; save it as version 4 first");
        }
    }

    private static void CheckCells(JsonObject root, string name)
    {
        var cells = root["cells"] as JsonArray ?? throw new SpectralKDException($"{name} is not a notebook: it has no list of cells");
        for (var index = 0; index < cells.Count; index++)
        {
            CheckCell(cells[index], $"{name}: cell {index + 1}");
        }
    }

    private static void CheckCell(JsonNode? node, string name)
    {
        var cell = node as JsonObject ?? throw new SpectralKDException($"{name} is {Kind(node)} instead of an object");
        var type = cell["cell_type"]?.GetValueKind() == JsonValueKind.String ? cell["cell_type"]!.GetValue<string>() : null;
        Require(type is "code" or "markdown" or "raw", name, $"cell_type is {Text(cell["cell_type"])}; code, markdown and raw are known");
        Require(MultilineText.IsText(cell["source"]), name, $"its source is {Kind(cell["source"])} instead of text");
        SetIfMissing(cell, "metadata", new JsonObject());
        Require(cell["metadata"] is JsonObject, name, $"its metadata is {Kind(cell["metadata"])} instead of an object");
        if (type == "code")
        {
            CheckOutputs(cell, name);
        }
    }

    private static void CheckOutputs(JsonObject cell, string name)
    {
        SetIfMissing(cell, "outputs", new JsonArray());
        SetIfMissing(cell, "execution_count", null);
        var outputs = cell["outputs"] as JsonArray;
        Require(outputs is not null, name, $"its outputs are {Kind(cell["outputs"])} instead of a list");
        foreach (var output in outputs!)
        {
            Require(output is JsonObject, name, "one of its outputs is not an object");
            CheckOutput((JsonObject)output!, name);
        }
    }

    private static void CheckOutput(JsonObject output, string name)
    {
        foreach (var member in (string[])["output_type", "name", "ename", "evalue"])
        {
            Require(output[member]?.GetValueKind() is null or JsonValueKind.String, name, $"{member} of an output is {Kind(output[member])} instead of text");
        }
        Require(output["text"] is null || MultilineText.IsText(output["text"]), name, $"text of an output is {Kind(output["text"])} instead of text");
        Require(output["data"] is null or JsonObject, name, $"data of an output is {Kind(output["data"])} instead of an object");
        Require(output["traceback"] is null || MultilineText.IsText(output["traceback"]), name, $"traceback of an output is {Kind(output["traceback"])} instead of a list of lines");
    }

    private static void BringTo45(JsonObject root)
    {
        CellIds.Complete((JsonArray)root["cells"]!);
        if (root["nbformat_minor"] is not JsonValue value || !value.TryGetValue<int>(out var minor) || minor < 5)
        {
            root.SetSorted("nbformat_minor", 5);
        }
    }

    private static void SetIfMissing(JsonObject json, string member, JsonNode? value)
    {
        if (json[member] is null)
        {
            json.SetSorted(member, value);
        }
    }

    private static void Require(bool condition, string name, string problem)
    {
        if (!condition)
        {
            throw new SpectralKDException($"{name}: {problem}");
        }
    }

    private static string Text(JsonNode? node)
    {
        var text = node is null ? "missing" : PythonJson.Write(node).TrimEnd('\n');
        return text.Length > 60 ? text[..60] + "…" : text;
    }

    private static string Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "missing",
    };
}

/// <summary>nbformat's <c>multiline_string</c>: a string, or a list of lines that keep their line ends.</summary>
internal static class MultilineText
{
    public static bool IsText(JsonNode? node) => node switch
    {
        JsonArray lines => lines.All(line => line?.GetValueKind() == JsonValueKind.String),
        null => false,
        _ => node.GetValueKind() == JsonValueKind.String,
    };

    public static string Join(JsonNode? node) => node switch
    {
        JsonArray lines => string.Concat(lines.Select(line => line!.GetValue<string>())),
        null => "",
        _ => node.GetValue<string>(),
    };

    /// <summary>Lines as Jupyter writes them: each with its line end, an empty text as an empty list.</summary>
    public static JsonArray Split(string text)
    {
        var lines = new JsonArray();
        for (var start = 0; start < text.Length;)
        {
            var lineEnd = text.IndexOf('\n', start);
            var next = lineEnd < 0 ? text.Length : lineEnd + 1;
            lines.Add((JsonNode)text[start..next]);
            start = next;
        }
        return lines;
    }

    /// <summary>True for the MIME types that Jupyter stores as lines rather than as one string.</summary>
    public static bool IsSplit(string mimeType)
        => mimeType.StartsWith("text/", StringComparison.Ordinal) || mimeType is "application/javascript" or "image/svg+xml";
}
