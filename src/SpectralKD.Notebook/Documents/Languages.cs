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
