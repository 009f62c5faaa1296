using System.Net;

namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-help</c>.</summary>
internal sealed class HelpArguments
{
    [MagicParameter("command to explain", Implicit = true, Value = MagicValue.CommandName)]
    public string? Command { get; set; }
}

/// <summary>Lists the magic commands, or explains one.</summary>
internal sealed class HelpCommand : MagicCommand<HelpArguments>
{
    public override string Name => "#!spectral-help";

    public override string Description => "lists the commands, or explains one with an example";

    public override string Example => "#!spectral-help analyze";

    protected override Task RunAsync(HelpArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        INotebookView view = arguments.Command is { } name
            ? new CommandHelpView(MagicCommandTable.Find(name, host.Commands))
            : new CommandListView(MagicCommandTable.All);
        host.Display(view);
        return Task.CompletedTask;
    }
}

/// <summary>What <c>#!spectral-help</c> shows: all commands.</summary>
internal sealed record CommandListView(IReadOnlyList<MagicCommand> Commands) : INotebookView
{
    private const string Hint = "#!spectral-help NAME explains one with its parameters. Everything that a command does, a plain C# call does too.";

    public string ToHtml() => $"{Table(Commands).ToHtml()}<div>{WebUtility.HtmlEncode(Hint)}</div>";

    public string ToPlainText() => $"{Table(Commands).ToPlainText()}{Environment.NewLine}{Hint}";

    /// <summary>The commands alone.</summary>
    public static TextTable Table(IReadOnlyList<MagicCommand> commands) =>
        commands.Aggregate(new TextTable("command", "what it does"), (table, c) => table.Add(c.Name, c.Description));
}

/// <summary>What <c>#!spectral-help command</c> shows: one command with its parameters.</summary>
internal sealed record CommandHelpView(MagicCommand Command) : INotebookView
{
    public string ToHtml() => $"<div><b><code>{Command.Name}</code></b> {WebUtility.HtmlEncode(Command.Description)}</div>"
        + (Command.Parameters.Count > 0 ? Table().ToHtml() : "")
        + $"<div>Example: <code>{WebUtility.HtmlEncode(Command.Example)}</code></div>";

    public string ToPlainText() => string.Join(
        Environment.NewLine,
        [$"{Command.Name}: {Command.Description}", .. Command.Parameters.Count > 0 ? [Table().ToPlainText()] : Array.Empty<string>(), $"Example: {Command.Example}"]);

    private TextTable Table() => Command.Parameters.Aggregate(
        new TextTable("parameter", "default", "what it means"),
        (table, p) => table.Add(p.Name, p.Required ? "(required)" : p.IsFlag ? "off" : p.Default, Meaning(p)));

    private static string Meaning(MagicParameter p) =>
        p.Description + (p.Choices.Count > 0 ? $": {string.Join(", ", p.Choices)}" : "") + (p.Implicit ? " (may stand without its name)" : "");
}
