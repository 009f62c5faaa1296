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
    public void Report(long done, long total) => Report(new ProgressView(what, done, total, unit, _clock.Elapsed));

    /// <summary>Reports how far a part of the command is that has words and a clock of its own.</summary>
    public void Report(ProgressView view)
    {
        lock (_gate)
        {
            var now = _clock.Elapsed;
            var due = _displayed is null ? now >= Patience : now - _last >= Interval || view.Done >= view.Total;
            if (!due)
            {
                return;
            }

            _last = now;
            Show(view);
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

/// <summary>Shows a running training in place, at most once a second, and its summary at the end.</summary>
internal sealed class TrainingDisplay(INotebookHost host, string title) : IProgress<TrainingProgress>
{
    private const int MostPoints = 400;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly List<double> _losses = [];
    private readonly List<EpochMetrics> _epochs = [];
    private readonly List<string> _warnings = [];
    private readonly List<string> _notes = [];
    private readonly Stopwatch _sinceShown = Stopwatch.StartNew();
    private IDisplayedValue? _displayed;
    private int _every = 1;
    private long _steps;

    public void Report(TrainingProgress value)
    {
        if (value is { Phase: TrainingPhase.Training, Loss: { } loss } && _steps++ % _every == 0)
        {
            Keep(loss.Total);
        }

        if (value.Metrics is { } metrics)
        {
            _epochs.Add(metrics);
        }

        if (value.Warning is { } warning)
        {
            _warnings.Add(warning);
        }

        if (value.Note is { } note)
        {
            _notes.Add(note);
        }

        if (_displayed is null || _sinceShown.Elapsed >= Interval)
        {
            Show(new TrainingView(title, value, [.. _losses], [.. _epochs], [.. _warnings]) { Notes = [.. _notes] });
        }
    }

    /// <summary>Replaces the live view by the run's summary.</summary>
    public void End(DistillationRun run) => Show(new RunView(run));

    // Twice as many points as are shown: every second one goes.
    private void Keep(double loss)
    {
        _losses.Add(loss);
        if (_losses.Count > MostPoints)
        {
            var half = _losses.Where((_, i) => i % 2 == 0).ToList();
            _losses.Clear();
            _losses.AddRange(half);
            _every *= 2;
        }
    }

    private void Show(INotebookView view)
    {
        _sinceShown.Restart();
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
