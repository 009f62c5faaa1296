using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>The language of a code cell, from the metadata that .NET Interactive, Polyglot Notebooks, VS Code and Jupyter write.</summary>
internal static class CellLanguage
{
    /// <summary>The language's kernel name in lower case, for instance <c>csharp</c>, <c>fsharp</c>, <c>python</c>, <c>mermaid</c>.</summary>
    /// <param name="cell">A code cell.</param>
    /// <param name="notebook">Its notebook, whose metadata names the default.</param>
    public static string Of(NotebookCell cell, NotebookDocument notebook) => Normalise(
        Text(cell.Metadata, "polyglot_notebook", "kernelName")
        ?? Text(cell.Metadata, "dotnet_interactive", "language")
        ?? Text(cell.Metadata, "vscode", "languageId")
        ?? Text(notebook.Metadata, "polyglot_notebook", "kernelInfo", "defaultKernelName")
        ?? Text(notebook.Metadata, "dotnet_interactive", "defaultKernelName")
        ?? Text(notebook.Metadata, "kernelspec", "language")
        ?? Text(notebook.Metadata, "language_info", "name")
        ?? "csharp");

    /// <summary>What a session gets: C# as it stands, another language's source below its kernel's <c>#!name</c> line.</summary>
    internal static string Submission(NotebookCell cell, NotebookDocument notebook)
    {
        var language = Of(cell, notebook);
        var first = cell.Source.TrimStart().Split([' ', '\t', '\r', '\n'], 2)[0];
        var isPlain = language == "csharp" || Languages.IsSwitch(first) || first.Equals("#!" + language, StringComparison.OrdinalIgnoreCase);
        return isPlain ? cell.Source : $"#!{language}\n{cell.Source}";
    }

    private static string Normalise(string name)
    {
        var lower = name.Trim().ToLowerInvariant();
        return lower switch
        {
            "c#" or "cs" or "polyglot-notebook" or "dotnet-interactive.csharp" or "" => "csharp",
            "f#" or "fs" => "fsharp",
            "js" => "javascript",
            "powershell" => "pwsh",
            _ => lower.StartsWith("dotnet-interactive.", StringComparison.Ordinal) ? lower["dotnet-interactive.".Length..] : lower,
        };
    }

    private static string? Text(JsonNode? node, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            node = (node as JsonObject)?[key];
        }
        return node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
    }
}
