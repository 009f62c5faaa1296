namespace SpectralKD.Notebook.Session;

/// <summary>Which of the languages run here, and what is said of the others.</summary>
internal static class CellLanguages
{
    /// <summary>The lines that say in which language the text below them is.</summary>
    public static IReadOnlyList<MagicCommand> Lines { get; } =
    [
        .. ((string[])[Languages.CSharp, "html", "markdown", "javascript"]).Select(language => new LanguageLine(language, $"what follows is {language}")),
        new LanguageLine("mermaid", "what follows is a diagram in Mermaid's language"), new ValueCommand(),
        .. ((string[])["bash", "sh", "zsh", "shell", "pwsh", "cmd"]).Select(shell => new LanguageLine(shell, $"what follows is for the installed {shell}; each cell starts a new one")),
    ];

    /// <summary>True for a language that runs here.</summary>
    public static bool Runs(string language) => language is Languages.CSharp or "html" or "markdown" or "javascript" or "mermaid" or Languages.Values || Languages.IsShell(language);

    /// <summary>The languages of a cell's parts that do not run here.</summary>
    public static IEnumerable<string> ForeignIn(string code)
        => CellText.Split(code).Select(part => part.Language).OfType<string>().Where(language => !Runs(language)).Distinct();

    /// <summary>What is thrown for a language that does not run here.</summary>
    public static SpectralKDException NotHere(string language) => new(
        $"this notebook host runs C#, and no {language}: write the cell in C#, open the notebook in a host that has {language}, or pass over such cells with --skip-unknown");

    /// <summary>What is said of a part that is passed over.</summary>
    public static string Skipped(string language) => $"skipped: {language} does not run in this notebook host\n";
}

/// <summary>A line that stands above a text in a language; the cell runs the text.</summary>
internal sealed class LanguageLine(string language, string description) : SessionCommand<NoArguments>
{
    public override string Name => "#!" + language;

    public override string Description => description;

    public override string Example => Name;

    protected override Task RunAsync(NoArguments arguments, SessionHost host) => Task.CompletedTask;
}
