namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// Runs the parts of one cell: its beginning and what follows each of its <c>await</c>s. Knowing all of its threads, it can wake those that
/// sleep; and once stopped it starts nothing more, so that a cell that awaits is over at once.
/// </summary>
/// <param name="goesOn">Whether it starts parts nevertheless, because the cell puts things in order.</param>
internal sealed class CellScheduler(Func<bool> goesOn) : TaskScheduler
{
    private readonly Lock _lock = new();
    private readonly HashSet<CellThread> _busy = [];
    private int _queued;
    private bool _stopped;

    /// <summary>True while one of the cell's threads executes something or is about to.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_lock)
            {
                return _busy.Count + _queued > 0;
            }
        }
    }

    /// <summary>Starts nothing from now on.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
        }
    }

    /// <summary>Wakes the threads that sleep or wait.</summary>
    public void InterruptWaiting()
    {
        CellThread[] busy;
        lock (_lock)
        {
            busy = [.. _busy];
        }

        foreach (var thread in busy)
        {
            thread.InterruptIfWaiting();
        }
    }

    protected override void QueueTask(Task task)
    {
        lock (_lock)
        {
            if (_stopped && !goesOn())
            {
                return;
            }

            _queued++;
        }

        CellThread.Run(thread => Execute(task, thread));
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
        => !taskWasPreviouslyQueued && Current == this && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    private void Execute(Task task, CellThread thread)
    {
        lock (_lock)
        {
            _queued--;
            if (_stopped && !goesOn())
            {
                return;
            }

            _busy.Add(thread);
        }

        try
        {
            thread.Execute(() => TryExecuteTask(task));
        }
        catch (ThreadInterruptedException)
        {
            // Woken outside of the user's code: the cell has been told already.
        }
        finally
        {
            lock (_lock)
            {
                _busy.Remove(thread);
            }
        }
    }
}
