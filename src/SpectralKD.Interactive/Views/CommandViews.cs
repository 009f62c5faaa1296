using System.Net;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Views;

/// <summary>What <c>#!spectral-help</c> shows: all commands.</summary>
public sealed record CommandListView(IReadOnlyList<MagicCommand> Commands) : INotebookView
{
    private const string Hint = "#!spectral-help NAME explains one with its parameters. Everything that a command does, a plain C# call does too.";

    /// <inheritdoc/>
    public string ToHtml() => $"{Table().ToHtml()}<div>{WebUtility.HtmlEncode(Hint)}</div>";

    /// <inheritdoc/>
    public string ToPlainText() => $"{Table().ToPlainText()}{Environment.NewLine}{Hint}";

    private TextTable Table() =>
        Commands.Aggregate(new TextTable("command", "what it does"), (table, c) => table.Add(c.Name, c.Description));
}

/// <summary>What <c>#!spectral-help command</c> shows: one command with its parameters.</summary>
public sealed record CommandHelpView(MagicCommand Command) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b><code>{Command.Name}</code></b> {WebUtility.HtmlEncode(Command.Description)}</div>"
        + (Command.Parameters.Count > 0 ? Table().ToHtml() : "")
        + $"<div>Example: <code>{WebUtility.HtmlEncode(Command.Example)}</code></div>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(
        Environment.NewLine,
        [$"{Command.Name}: {Command.Description}", .. Command.Parameters.Count > 0 ? [Table().ToPlainText()] : Array.Empty<string>(), $"Example: {Command.Example}"]);

    private TextTable Table() => Command.Parameters.Aggregate(
        new TextTable("parameter", "default", "what it means"),
        (table, p) => table.Add(p.Name, p.Required ? "(required)" : p.IsFlag ? "off" : p.Default, Meaning(p)));

    private static string Meaning(MagicParameter p) =>
        p.Description + (p.Choices.Count > 0 ? $": {string.Join(", ", p.Choices)}" : "") + (p.Implicit ? " (may stand without its name)" : "");
}
