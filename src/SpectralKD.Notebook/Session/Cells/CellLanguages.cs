namespace SpectralKD.Notebook.Session.Cells;

/// <summary>The lines that switch the language within a cell.</summary>
internal static class CellLanguages
{
    private const string Values = "values";

    private static readonly Dictionary<string, string> s_names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["#!csharp"] = CellPart.CSharp,
        ["#!c#"] = CellPart.CSharp,
        ["#!cs"] = CellPart.CSharp,
        ["#!html"] = "html",
        ["#!markdown"] = "markdown",
        ["#!md"] = "markdown",
        ["#!javascript"] = "javascript",
        ["#!js"] = "javascript",
        ["#!fsharp"] = "F#",
        ["#!f#"] = "F#",
        ["#!fs"] = "F#",
        ["#!pwsh"] = "PowerShell",
        ["#!powershell"] = "PowerShell",
        ["#!python"] = "Python",
        ["#!py"] = "Python",
        ["#!r"] = "R",
        ["#!sql"] = "SQL",
        ["#!kql"] = "KQL",
        ["#!http"] = "HTTP requests",
        ["#!mermaid"] = "Mermaid",
        ["#!value"] = Values,
        ["#!bash"] = "shell scripts",
    };

    /// <summary>The languages' lines, those first that run here.</summary>
    public static IReadOnlyList<string> Runnable { get; } = ["#!csharp", "#!html", "#!markdown", "#!javascript"];

    /// <summary>The language that a line switches to; null where it does not.</summary>
    public static string? SwitchedToBy(string line) => s_names.GetValueOrDefault(line.Trim().Split([' ', '\t'], 2)[0]);

    /// <summary>A line's first word without <c>#!</c> where it is a language's name.</summary>
    public static bool IsSwitch(string line) => SwitchedToBy(line) is not null;

    /// <summary>What is thrown for a language that does not run here.</summary>
    public static SpectralKDException NotHere(string language) => new(language == Values
        ? "this notebook host has no #!value: keep the text in a C# raw string, for example var text = \"\"\"…\"\"\";"
        : $"this notebook host runs C#, and no {language}: write the cell in C#, or open the notebook in a host that has {language}");
}
