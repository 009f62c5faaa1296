using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>Reads .NET Interactive's <c>.dib</c> files: cells parted by a line that is <c>#!</c> and a kernel's name alone.</summary>
internal static class DibReader
{
    public static NotebookDocument Read(NotebookText text, string? path)
    {
        var notebook = new NotebookDocument(CSharpNotebook.Empty(), path, text.Notes);
        var kernels = new HashSet<string>(Languages.Kernels, StringComparer.OrdinalIgnoreCase) { "meta" };
        var language = "csharp";
        var lines = new List<string>();
        foreach (var line in Encoding.UTF8.GetString(text.Utf8).ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.StartsWith("#!", StringComparison.Ordinal) && kernels.Contains(line[2..].Trim()))
            {
                AddCell(notebook, language, lines, kernels, path);
                language = line[2..].Trim().ToLowerInvariant();
                lines.Clear();
                continue;
            }
            lines.Add(line);
        }
        AddCell(notebook, language, lines, kernels, path);
        return notebook;
    }

    private static void AddCell(NotebookDocument notebook, string language, List<string> lines, HashSet<string> kernels, string? path)
    {
        var source = string.Join('\n', lines.SkipWhile(string.IsNullOrWhiteSpace)).TrimEnd();
        if (source.Length == 0)
        {
            return;
        }
        if (language == "meta")
        {
            AddMeta(notebook, source, kernels, path);
            return;
        }
        notebook.Insert(notebook.Cells.Count, MakeCell(language, source));
    }

    private static NotebookCell MakeCell(string language, string source)
    {
        if (language is "markdown" or "md")
        {
            return NotebookCell.Markdown(source);
        }
        var cell = NotebookCell.Code(source);
        cell.Metadata["polyglot_notebook"] = new JsonObject
        {
            ["kernelName"] = language switch { "c#" => "csharp", "f#" => "fsharp", "js" => "javascript", "powershell" => "pwsh", _ => language },
        };
        return cell;
    }

    private static void AddMeta(NotebookDocument notebook, string source, HashSet<string> kernels, string? path)
    {
        try
        {
            var meta = PythonJsonReader.Read(Encoding.UTF8.GetBytes(source)).Root as JsonObject ?? throw new JsonException("an object was expected");
            notebook.Metadata["polyglot_notebook"] = meta.DeepClone();
            foreach (var item in (meta["kernelInfo"]?["items"] as JsonArray) ?? [])
            {
                AddName(kernels, item?["name"]);
                foreach (var alias in (item?["aliases"] as JsonArray) ?? [])
                {
                    AddName(kernels, alias);
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new SpectralKDException($"{path ?? "the notebook"}: its #!meta block is not JSON ({NotebookReader.Short(error.Message.Split(" LineNumber:")[0].Split(" Path:")[0])})", error);
        }
    }

    private static void AddName(HashSet<string> kernels, JsonNode? name)
    {
        if (name?.GetValueKind() == JsonValueKind.String)
        {
            kernels.Add(name.GetValue<string>());
        }
    }
}
