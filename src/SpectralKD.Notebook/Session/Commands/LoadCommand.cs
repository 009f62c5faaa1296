using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#load "file.csx"</c>: runs a script as if it stood in the cell.</summary>
internal sealed class LoadCommand : SessionCommand
{
    public override string Name => "#load";

    public override string Description => "runs a C# script: #load \"file.csx\"";

    public override Task RunAsync(string rest, CellProgram program) => program.RunFileAsync(Unquote(rest));
}
