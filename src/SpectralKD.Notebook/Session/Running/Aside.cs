using System.ComponentModel;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>A stretch of an interrupted cell that may go on for some seconds: see <see cref="InterruptPoint.StepAside"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Aside : IDisposable
{
    private static readonly AsyncLocal<int> s_depth = new();
    private readonly CellRun? _run;

    internal Aside(CellRun? run)
    {
        _run = run;
        if (run is not null)
        {
            s_depth.Value++;
            run.StepAside(1);
        }
    }

    /// <summary>True where the caller stands in one.</summary>
    internal static bool IsHere => s_depth.Value > 0;

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (_run is not null)
        {
            s_depth.Value--;
            _run.StepAside(-1);
        }
    }
}
