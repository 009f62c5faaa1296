namespace SpectralKD.Notebook.Session;

/// <summary>
/// One run of one cell: where its output goes, whether it was interrupted, and which threads work for it. It flows with the execution
/// context into tasks and threads that the cell starts, so their output finds this cell also after it has ended.
/// </summary>
internal sealed class CellExecution : IDisposable
{
    private static readonly AsyncLocal<CellExecution?> OfThisFlow = new();
    private static readonly TimeSpan Afterglow = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TimeForOrder = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TimeForOwnWaits = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan TimeForPool = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan TimeForSlowPool = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenRegistration _registration;
    // What waits for it goes on on the thread that ends the cell: the cell may have taken all of the pool's.
    private readonly TaskCompletionSource _over = new();
    private readonly CancellationTokenSource _endOfWaits = new();
    private readonly CancellationTokenSource _endOfOwnWaits = new();
    private bool _interrupted;
    private long _interruptedAt;
    private int _asides;
    private int _parts;

    /// <summary>Begins the run.</summary>
    public CellExecution(SessionState session, int number, ICellOutput output, CancellationToken cancellationToken)
    {
        Session = session;
        Number = number;
        Token = cancellationToken;
        Output = new BufferedCellOutput(output, stop: cancellationToken);
        Manners = InterruptMode.Code(session.Options);
        Scheduler = new CellScheduler(() => IsPuttingInOrder);
        _registration = cancellationToken.UnsafeRegister(state => ((CellExecution)state!).Interrupt(), this);
    }

    /// <summary>The run that the calling thread works for; null outside of cells.</summary>
    public static CellExecution? Current
    {
        get => OfThisFlow.Value;
        set => OfThisFlow.Value = value;
    }

    /// <summary>The session it belongs to.</summary>
    public SessionState Session { get; }

    /// <summary>The cell's number, as in <c>cell [3]</c>.</summary>
    public int Number { get; }

    /// <summary>Fires on interrupt.</summary>
    public CancellationToken Token { get; }

    /// <summary>Where everything goes that the cell shows.</summary>
    public BufferedCellOutput Output { get; }

    /// <summary>The threads of the cell.</summary>
    public CellScheduler Scheduler { get; }

    /// <summary>How long an interrupted part of the cell may take to end by itself, and whether it may be woken from sleep.</summary>
    public InterruptMode Manners { get; set; }

    /// <summary>True once interrupted.</summary>
    public bool IsInterrupted => _interrupted;

    /// <summary>True where a thread of the cell could not be stopped.</summary>
    public bool LeftThreadRunning { get; private set; }

    private TimeSpan SinceInterrupt => TimeSpan.FromMilliseconds(Environment.TickCount64 - _interruptedAt);

    private bool MayPutInOrder => SinceInterrupt < TimeForOrder;

    private bool IsAside => Aside.IsHere(this) && MayPutInOrder;

    private bool IsPuttingInOrder => Volatile.Read(ref _asides) > 0 && MayPutInOrder;

    /// <summary>Counts the places that put things in order after an interrupt.</summary>
    public void StepAside(int more) => Interlocked.Add(ref _asides, more);

    /// <summary>Ends the caller where the cell was interrupted, unless it puts things in order.</summary>
    public void ThrowIfInterrupted()
    {
        if (_interrupted && !IsAside)
        {
            throw new OperationCanceledException("The cell was interrupted.", Token);
        }
    }

    /// <summary>
    /// What ends the wait for a task when the cell is interrupted. What waits for the cell's own functions is left for them to end, innermost
    /// first; while things are put in order nothing ends a wait.
    /// </summary>
    public CancellationToken EndOf(Task awaited)
        => _interrupted && IsAside ? CancellationToken.None : IsOwn(awaited) ? _endOfOwnWaits.Token : _endOfWaits.Token;

    /// <summary>Writes to the cell's output.</summary>
    public void Write(string text) => Output.Stream("stdout", text);

    /// <summary>Runs a part of the cell on the cell's own threads until it ends or is given up after an interrupt.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> part)
    {
        ThrowIfInterrupted();
        Interlocked.Increment(ref _parts);
        var running = Task.Factory.StartNew(Start, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();
        _ = running.ContinueWith(
            _ => Interlocked.Decrement(ref _parts), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (await Task.WhenAny(running, _over.Task).ConfigureAwait(false) == running && !_interrupted)
        {
            return await running.ConfigureAwait(false);
        }

        if (running.IsCompleted)
        {
            // Throws what ended it, with the place in the cell.
            await running.ConfigureAwait(false);
        }

        Forget(running);
        throw new OperationCanceledException("The cell was interrupted.", Token);

        Task<T> Start()
        {
            Session.ApplyCulture();
            return part();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _registration.Dispose();
        Output.Flush();
    }

    private static void Forget(Task task)
        => task.ContinueWith(done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private void Interrupt()
    {
        _interruptedAt = Environment.TickCount64;
        _interrupted = true;
        InterruptPoint.StartAsking();
        // On a thread of its own: the cell may have taken all of the pool's.
        _ = Task.Factory.StartNew(End, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void End()
    {
        var manners = Manners;
        EndWaits(_endOfWaits, manners, manners.Patience);
        var more = SinceInterrupt + TimeForOwnWaits;
        EndWaits(_endOfOwnWaits, manners, more > manners.Patience ? more : manners.Patience);
        Scheduler.Stop();
        LeftThreadRunning = Scheduler.IsBusy;
        _ = KeepAskingAsync();
        _over.TrySetResult();
    }

    /// <summary>
    /// Ends the waits and gives the cell time to come to its end. What goes on in the pool, after <c>ConfigureAwait(false)</c>, is not seen
    /// to be busy: the cell is given up only where it has not been for a while, in which the pool has come to what was asked of it then: on a machine
    /// that is short of time what goes on may still wait for its turn.
    /// </summary>
    private void EndWaits(CancellationTokenSource waits, InterruptMode manners, TimeSpan patience)
    {
        // What follows such a wait may run right there.
        var ending = Task.Factory.StartNew(waits.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var seen = SinceInterrupt;
        Task? turn = null;
        while (true)
        {
            var isBusy = Scheduler.IsBusy || !ending.IsCompleted;
            if (isBusy || IsPuttingInOrder)
            {
                (seen, turn) = (SinceInterrupt, null);
            }
            else
            {
                turn ??= Task.Run(() => { });
            }

            var quiet = SinceInterrupt - seen;
            var mayGoOn = Volatile.Read(ref _parts) > 0
                && (manners.EndsByItself || quiet < TimeForPool || (turn is { IsCompleted: false } && quiet < TimeForSlowPool));
            if (!IsPuttingInOrder && (SinceInterrupt >= patience || !isBusy && !mayGoOn))
            {
                return;
            }

            Thread.Sleep(10);
            if (SinceInterrupt >= manners.WakeAfter && !IsPuttingInOrder)
            {
                Scheduler.InterruptWaiting();
            }
        }
    }

    /// <summary>True for a task of an async function of a cell, and for one that is made of others.</summary>
    private static bool IsOwn(Task task)
    {
        var type = task.GetType();
        return (type.Name.Contains("Promise", StringComparison.Ordinal) && !type.Name.StartsWith("Delay", StringComparison.Ordinal))
            || type.GetGenericArguments().Any(argument => CellCompiler.SourceOf(argument.Assembly) is not null);
    }

    /// <summary>
    /// Tasks that the cell started elsewhere get some time to meet a check; a thread of its own that still runs is met whenever it comes.
    /// </summary>
    private async Task KeepAskingAsync()
    {
        await Task.Delay(Afterglow).ConfigureAwait(false);
        while (Scheduler.IsBusy)
        {
            await Task.Delay(Afterglow).ConfigureAwait(false);
        }

        InterruptPoint.StopAsking();
    }
}
