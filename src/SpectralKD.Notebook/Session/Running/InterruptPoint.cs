using System.ComponentModel;
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

    /// <summary>The same around a condition or a value of a query, whose clauses have no room for a statement.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    public static T Pass<T>(T value)
    {
        Check();
        return value;
    }

    /// <summary>
    /// At the beginning of <c>catch</c>, <c>finally</c> and <c>Dispose</c>: what an interrupt leads to puts things in order, and is given
    /// the time for it.
    /// </summary>
    public static Aside StepAside() => new(Volatile.Read(ref s_interrupting) != 0 ? CellRun.Current : null);

    // Apart, so that what is compiled into loops stays small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Ask() => CellRun.Current?.ThrowIfInterrupted();

    internal static void StartAsking() => Interlocked.Increment(ref s_interrupting);

    internal static void StopAsking() => Interlocked.Decrement(ref s_interrupting);
}
