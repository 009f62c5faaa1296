using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-help</c>.</summary>
public sealed class HelpArguments
{
    /// <summary>The command to explain; all are listed where it is left out.</summary>
    [MagicParameter("command to explain", Implicit = true, Value = MagicValue.CommandName)]
    public string? Command { get; set; }
}

/// <summary>Lists the magic commands, or explains one.</summary>
public sealed class HelpCommand : MagicCommand<HelpArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-help";

    /// <inheritdoc/>
    public override string Description => "lists the commands, or explains one with an example";

    /// <inheritdoc/>
    public override string Example => "#!spectral-help analyze";

    /// <inheritdoc/>
    protected override Task RunAsync(HelpArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        INotebookView view = arguments.Command is { } name
            ? new CommandHelpView(MagicCommandTable.Find(name))
            : new CommandListView(MagicCommandTable.All);
        host.Display(view);
        return Task.CompletedTask;
    }
}
