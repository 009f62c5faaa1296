using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>The names of languages and kernels: the lines <c>#!name</c> of a cell or a <c>.dib</c> file that switch to them, and what each is called.</summary>
internal static class Languages
{
    /// <summary>The language that cells are in unless they say otherwise.</summary>
    public const string CSharp = "csharp";

    /// <summary>No language, but a text that becomes a variable.</summary>
    public const string Values = "value";

    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["#!csharp"] = CSharp,
        ["#!c#"] = CSharp,
        ["#!cs"] = CSharp,
        ["#!html"] = "html",
        ["#!markdown"] = "markdown",
        ["#!md"] = "markdown",
        ["#!javascript"] = "javascript",
        ["#!js"] = "javascript",
        ["#!mermaid"] = "mermaid",
        ["#!value"] = Values,
        ["#!pwsh"] = "pwsh",
        ["#!powershell"] = "pwsh",
        ["#!bash"] = "bash",
        ["#!sh"] = "sh",
        ["#!zsh"] = "zsh",
        ["#!shell"] = "shell",
        ["#!shellscript"] = "shell",
        ["#!cmd"] = "cmd",
        ["#!bat"] = "cmd",
        ["#!fsharp"] = "F#",
        ["#!f#"] = "F#",
        ["#!fs"] = "F#",
        ["#!python"] = "Python",
        ["#!py"] = "Python",
        ["#!r"] = "R",
        ["#!sql"] = "SQL",
        ["#!kql"] = "KQL",
        ["#!http"] = "HTTP requests",
    };

    /// <summary>The lines that begin a cell of a <c>.dib</c> file, without <c>#!</c>.</summary>
    public static IEnumerable<string> Kernels => Names.Keys.Select(line => line[2..]).Concat(["raw", "httprequest"]);

    /// <summary>True for the language of a shell.</summary>
    public static bool IsShell(string language) => language is "bash" or "sh" or "zsh" or "shell" or "pwsh" or "cmd";

    /// <summary>The language that a line switches to; null where it does not.</summary>
    public static string? SwitchedToBy(string line)
    {
        var word = line.Trim().Split([' ', '\t'], 2)[0];
        return Names.GetValueOrDefault(word) ?? (word.StartsWith("#!sql-", StringComparison.OrdinalIgnoreCase) ? "SQL" // what #!connect made
            : word.StartsWith("#!kql-", StringComparison.OrdinalIgnoreCase) ? "KQL" : null);
    }

    /// <summary>What follows the name on a line that switches the language.</summary>
    public static string OptionsOn(string line) => line.Trim().Split([' ', '\t'], 2) is [_, var rest] ? rest.Trim() : "";

    /// <summary>A line's first word without <c>#!</c> where it is a language's name.</summary>
    public static bool IsSwitch(string line) => SwitchedToBy(line) is not null;

    /// <summary>What a kernel of another host that goes by a name of its own, <c>sql-sales</c> say, is called in messages; null for the languages known here.</summary>
    public static string? OtherKernel(string kernel) => Names.ContainsKey("#!" + kernel) ? null : $"kernel {kernel}";
}

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
