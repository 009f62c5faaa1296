namespace SpectralKD.Notebook.Session.Cells;

/// <summary>The lines that switch the language within a cell.</summary>
internal static class CellLanguages
{
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
        ["#!mermaid"] = "mermaid",
        ["#!value"] = CellPart.Values,
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

    /// <summary>The languages' lines, those first that run here.</summary>
    public static IReadOnlyList<string> Runnable { get; } =
        ["#!csharp", "#!html", "#!markdown", "#!javascript", "#!mermaid", "#!value", "#!bash", "#!sh", "#!shell", "#!pwsh", "#!cmd"];

    /// <summary>What one of <see cref="Runnable"/> is for, one line.</summary>
    public static string Description(string line) => line switch
    {
        "#!mermaid" => "what follows is a diagram in Mermaid's language",
        "#!value" => ValueCell.Description,
        "#!bash" or "#!sh" or "#!shell" or "#!pwsh" or "#!cmd" => $"what follows is for the installed {(line == "#!shell" ? "shell" : line[2..])}; each cell starts a new one",
        _ => $"what follows is {line[2..]}",
    };

    /// <summary>The language that a line switches to; null where it does not.</summary>
    public static string? SwitchedToBy(string line) => s_names.GetValueOrDefault(line.Trim().Split([' ', '\t'], 2)[0]);

    /// <summary>What follows the name on a line that switches the language.</summary>
    public static string OptionsOn(string line) => line.Trim().Split([' ', '\t'], 2) is [_, var rest] ? rest.Trim() : "";

    /// <summary>A line's first word without <c>#!</c> where it is a language's name.</summary>
    public static bool IsSwitch(string line) => SwitchedToBy(line) is not null;

    /// <summary>What a kernel of another host that goes by a name of its own, <c>sql-sales</c> say, is called in messages; null for the languages known here.</summary>
    public static string? OtherKernel(string kernel) => s_names.ContainsKey("#!" + kernel) ? null : $"kernel {kernel}";

    /// <summary>True for a language that runs here.</summary>
    public static bool Runs(string language) => language is CellPart.CSharp or "html" or "markdown" or "javascript" or "mermaid" or CellPart.Values || ShellCell.Knows(language);

    /// <summary>The languages of a cell's parts that do not run here.</summary>
    public static IEnumerable<string> ForeignIn(string code)
        => CellText.Split(code).Select(part => part.Language).OfType<string>().Where(language => !Runs(language)).Distinct();

    /// <summary>What is thrown for a language that does not run here.</summary>
    public static SpectralKDException NotHere(string language) => new(
        $"this notebook host runs C#, and no {language}: write the cell in C#, open the notebook in a host that has {language}, or pass over such cells with --skip-unknown");

    /// <summary>What is said of a part that is passed over.</summary>
    public static string Skipped(string language) => $"skipped: {language} does not run in this notebook host\n";
}
