using SpectralKD.Interactive.Magic;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!lsmagic</c>.</summary>
internal sealed class ListMagicCommand : SessionCommand
{
    public override string Name => "#!lsmagic";

    public override string Description => "lists all magic lines";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var lines = SessionCommandTable.All.Select(command => (command.Name, command.Description))
            .Concat(CellLanguages.Runnable.Select(name => (Name: name, Description: CellLanguages.Description(name))))
            .Concat(MagicCommandTable.All.Select(command => (command.Name, command.Description)))
            .ToArray();
        var width = lines.Max(line => line.Name.Length);
        program.Write(string.Concat(lines.Select(line => $"{line.Name.PadRight(width)}  {line.Description}{Environment.NewLine}")));
        return Task.CompletedTask;
    }
}
