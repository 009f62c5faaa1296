using System.Diagnostics;

namespace SpectralKD.Interactive.Magic;

/// <summary>
/// Shows progress in place once a command has taken half a second, at most five times a second. Commands that are done sooner show none.
/// </summary>
internal sealed class ProgressDisplay(INotebookHost host, string what, string unit)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.2);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly object _gate = new();
    private IDisplayedValue? _displayed;
    private TimeSpan _last;

    /// <summary>Reports how far the command is; may be called from any thread.</summary>
    public void Report(long done, long total)
    {
        lock (_gate)
        {
            var now = _clock.Elapsed;
            var due = _displayed is null ? now >= Patience : now - _last >= Interval || done >= total;
            if (!due)
            {
                return;
            }

            _last = now;
            Show(new ProgressView(what, done, total, unit, now));
        }
    }

    private void Show(ProgressView view)
    {
        if (_displayed is null)
        {
            _displayed = host.Display(view);
        }
        else
        {
            _displayed.Update(view);
        }
    }
}
