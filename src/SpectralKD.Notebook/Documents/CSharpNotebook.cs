using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

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
