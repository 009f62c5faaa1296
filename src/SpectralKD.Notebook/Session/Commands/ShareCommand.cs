using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!share</c>: .NET Interactive's way between its languages; here there is one.</summary>
internal sealed class ShareCommand : SessionCommand
{
    public override string Name => "#!share";

    public override string Description => "shares variables between languages; C# is the only one here, and all its cells see all variables";

    public override Task RunAsync(string rest, CellProgram program)
        => rest.Split(' ', StringSplitOptions.RemoveEmptyEntries) is var words && Array.IndexOf(words, CellPart.CSharp) > 0
            ? Task.CompletedTask
            : throw new SpectralKDException(
                $"this notebook host has one kernel, csharp, whose cells see all variables: leave out #!share {rest}, "
                + "or open the notebook in a host that has the other language");
}
