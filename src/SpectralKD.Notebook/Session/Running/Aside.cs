using System.ComponentModel;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>A stretch of an interrupted cell that may go on for some seconds: see <see cref="InterruptPoint.StepAside"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Aside : IDisposable
{
    private static readonly AsyncLocal<int> s_depth = new();

    // What is called back here may bring the context of the place where it was registered.
    [ThreadStatic]
    private static CellRun? t_here;
    private readonly CellRun? _run;
    private readonly CellRun? _outer;

    internal Aside(CellRun? run)
    {
        _run = run;
        if (run is not null)
        {
            s_depth.Value++;
            _outer = t_here;
            t_here = run;
            run.StepAside(1);
        }
    }

    /// <summary>True where the caller, a part of the run, stands in one.</summary>
    internal static bool IsHere(CellRun run) => s_depth.Value > 0 || t_here == run;

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (_run is not null)
        {
            s_depth.Value--;
            t_here = _outer;
            _run.StepAside(-1);
        }
    }
}
