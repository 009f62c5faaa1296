namespace SpectralKD.Notebook.Session;

/// <summary>
/// A thread that runs cells. It is our own, and not the pool's, because a sleeping cell is woken by <see cref="Thread.Interrupt"/>, and
/// because torch keeps scopes and gradient mode by thread: cells that run one after the other share one thread.
/// </summary>
internal sealed class CellThread
{
    private const int MostIdle = 4;
    private const int Outside = 0;
    private const int InCode = 1;
    private const int BeingWoken = 2;
    private static readonly Lock Gate = new();
    private static readonly Stack<CellThread> Idle = new();

    private readonly object _signal = new();
    private readonly Thread _thread;
    private Action? _work;
    private bool _spoiled;
    private int _place = Outside;

    private CellThread()
    {
        _thread = new Thread(Live) { IsBackground = true, Name = "notebook cell" };
    }

    /// <summary>Runs some work on the thread that became idle last, or on a new one.</summary>
    /// <param name="work">Must not throw. Gets the thread that it runs on.</param>
    public static void Run(Action<CellThread> work)
    {
        var idle = TakeIdle();
        var thread = idle ?? new CellThread();
        lock (thread._signal)
        {
            thread._work = () => work(thread);
            Monitor.Pulse(thread._signal);
        }

        if (idle is null)
        {
            thread._thread.UnsafeStart();
        }
    }

    /// <summary>Runs the user's code on this thread: only in there can it be interrupted, never inside our own locks.</summary>
    public void Execute(Action code)
    {
        Volatile.Write(ref _place, InCode);
        try
        {
            code();
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Wakes the thread where the user's code sleeps or waits. It takes no more work after this one.</summary>
    public void InterruptIfWaiting()
    {
        if (Interlocked.CompareExchange(ref _place, BeingWoken, InCode) != InCode)
        {
            return;
        }

        if ((_thread.ThreadState & ThreadState.WaitSleepJoin) != 0)
        {
            _spoiled = true;
            _thread.Interrupt();
        }

        Volatile.Write(ref _place, InCode);
    }

    private void Leave()
    {
        while (Interlocked.CompareExchange(ref _place, Outside, InCode) != InCode)
        {
            Thread.SpinWait(20);
        }

        if (_spoiled)
        {
            DrainInterrupt();
        }
    }

    /// <summary>An interruption that came too late would otherwise strike at the next lock.</summary>
    private static void DrainInterrupt()
    {
        try
        {
            Thread.Sleep(1);
        }
        catch (ThreadInterruptedException)
        {
            // This is what was waited for.
        }
    }

    private static CellThread? TakeIdle()
    {
        lock (Gate)
        {
            return Idle.TryPop(out var thread) ? thread : null;
        }
    }

    private void Live()
    {
        do
        {
            TakeWork()();
        }
        while (!_spoiled && BecomeIdle());
    }

    private Action TakeWork()
    {
        lock (_signal)
        {
            while (_work is null)
            {
                Monitor.Wait(_signal);
            }

            var work = _work;
            _work = null;
            return work;
        }
    }

    private bool BecomeIdle()
    {
        lock (Gate)
        {
            if (Idle.Count >= MostIdle)
            {
                return false;
            }

            Idle.Push(this);
            return true;
        }
    }
}

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
