using System.Diagnostics;
using System.Globalization;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!time</c>: how long the rest of the cell takes.</summary>
internal sealed class TimeCommand : SessionCommand
{
    public override string Name => "#!time";

    public override string Description => "measures how long the rest of the cell takes";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        var start = Stopwatch.GetTimestamp();
        program.AtEnd(() => program.Display(string.Create(
            CultureInfo.InvariantCulture, $"Wall time: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0###} ms")));
        return Task.CompletedTask;
    }
}
