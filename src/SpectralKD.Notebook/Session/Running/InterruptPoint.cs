using System.ComponentModel;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// What the cells' loops and functions call, so that an interrupt can end them. While no cell of the process is being interrupted this is
/// one read of a field; only then does each caller ask whether it is its own cell that must end.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class InterruptPoint
{
    private static int s_interrupting;

    /// <summary>Ends the calling cell where it was interrupted. Compiled into cells; not meant to be called by hand.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        if (Volatile.Read(ref s_interrupting) != 0)
        {
            Ask();
        }
    }

    /// <summary>
    /// The same at the beginning of a function, where a recursion without end becomes an exception: a full stack would end the process.
    /// </summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    /// <exception cref="InsufficientExecutionStackException">The functions call each other too deep.</exception>
    public static void Enter()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Check();
    }

    /// <summary>The same before a value, where there is no room for a statement.</summary>
    /// <returns>True.</returns>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    /// <exception cref="InsufficientExecutionStackException">The functions call each other too deep.</exception>
    public static bool Entered()
    {
        Enter();
        return true;
    }

    /// <summary>The same around a condition or a value of a query, whose clauses have no room for a statement.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    public static T Pass<T>(T value)
    {
        Check();
        return value;
    }

    /// <summary>Around what is awaited: the wait ends with the cell, so that its <c>catch</c> and <c>finally</c> run.</summary>
    public static Task Await(Task task) => task.WaitAsync(EndOf(task));

    /// <inheritdoc cref="Await(Task)" />
    public static Task<T> Await<T>(Task<T> task) => task.WaitAsync(EndOf(task));

    /// <inheritdoc cref="Await(Task)" />
    public static ValueTask Await(ValueTask task) => task.IsCompleted ? task : new ValueTask(Await(task.AsTask()));

    /// <inheritdoc cref="Await(Task)" />
    public static ValueTask<T> Await<T>(ValueTask<T> task) => task.IsCompleted ? task : new ValueTask<T>(Await(task.AsTask()));

    /// <summary>What is no task is awaited as it is.</summary>
    public static T Await<T>(T awaitable) => awaitable;

    /// <summary>
    /// At the beginning of <c>catch</c>, <c>finally</c> and <c>Dispose</c>: what an interrupt leads to puts things in order, and is given
    /// the time for it.
    /// </summary>
    public static Aside StepAside() => new(Volatile.Read(ref s_interrupting) != 0 ? CellRun.Current : null);

    /// <summary>Around a culture that becomes the current one: the cells that follow get it too.</summary>
    public static CultureInfo CurrentCulture(CultureInfo culture)
    {
        CellRun.Current?.Session.KeepCulture(culture, null);
        return culture;
    }

    /// <summary>The same for the language of messages.</summary>
    public static CultureInfo CurrentUICulture(CultureInfo culture)
    {
        CellRun.Current?.Session.KeepCulture(null, culture);
        return culture;
    }

    private static CancellationToken EndOf(Task task)
        => task.IsCompleted || CellRun.Current is not { } run ? CancellationToken.None : run.EndOf(task);

    // Apart, so that what is compiled into loops stays small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Ask() => CellRun.Current?.ThrowIfInterrupted();

    internal static void StartAsking() => Interlocked.Increment(ref s_interrupting);

    internal static void StopAsking() => Interlocked.Decrement(ref s_interrupting);
}
