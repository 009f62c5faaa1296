using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!who</c>: the variables' names.</summary>
internal sealed class WhoCommand : SessionCommand
{
    public override string Name => "#!who";

    public override string Description => "lists the variables' names";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var names = program.Session.Variables.All.Select(variable => variable.Name).Order(StringComparer.Ordinal);
        program.Write(string.Join(Environment.NewLine, names) + Environment.NewLine);
        return Task.CompletedTask;
    }
}
