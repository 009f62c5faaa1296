namespace SpectralKD.Notebook.Session;

/// <summary>Which of the languages run here, and what is said of the others.</summary>
internal static class CellLanguages
{
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

    /// <summary>True for a language that runs here.</summary>
    public static bool Runs(string language) => language is Languages.CSharp or "html" or "markdown" or "javascript" or "mermaid" or Languages.Values || ShellCell.Knows(language);

    /// <summary>The languages of a cell's parts that do not run here.</summary>
    public static IEnumerable<string> ForeignIn(string code)
        => CellText.Split(code).Select(part => part.Language).OfType<string>().Where(language => !Runs(language)).Distinct();

    /// <summary>What is thrown for a language that does not run here.</summary>
    public static SpectralKDException NotHere(string language) => new(
        $"this notebook host runs C#, and no {language}: write the cell in C#, open the notebook in a host that has {language}, or pass over such cells with --skip-unknown");

    /// <summary>What is said of a part that is passed over.</summary>
    public static string Skipped(string language) => $"skipped: {language} does not run in this notebook host\n";
}
