using System.ComponentModel;
using System.Globalization;
using System.Runtime.CompilerServices;
using TorchSharp;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// What the cells' loops and functions call, so that an interrupt can end them. While no cell of the process is being interrupted this is
/// one read of a field; only then does each caller ask whether it is its own cell that must end.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class InterruptPoint
{
    private static int _interrupting;

    /// <summary>Ends the calling cell where it was interrupted. Compiled into cells; not meant to be called by hand.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        if (Volatile.Read(ref _interrupting) != 0)
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
    public static Aside StepAside() => new(Volatile.Read(ref _interrupting) != 0 ? CellExecution.Current : null);

    /// <summary>Around a culture that becomes the current one: the cells that follow get it too.</summary>
    public static CultureInfo CurrentCulture(CultureInfo culture)
    {
        CellExecution.Current?.Session.KeepCulture(culture, null);
        return culture;
    }

    /// <summary>The same for the language of messages.</summary>
    public static CultureInfo CurrentUICulture(CultureInfo culture)
    {
        CellExecution.Current?.Session.KeepCulture(null, culture);
        return culture;
    }

    private static CancellationToken EndOf(Task task)
        => task.IsCompleted || CellExecution.Current is not { } run ? CancellationToken.None : run.EndOf(task);

    // Apart, so that what is compiled into loops stays small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Ask() => CellExecution.Current?.ThrowIfInterrupted();

    internal static void StartAsking() => Interlocked.Increment(ref _interrupting);

    internal static void StopAsking() => Interlocked.Decrement(ref _interrupting);
}

/// <summary>A stretch of an interrupted cell that may go on for some seconds: see <see cref="InterruptPoint.StepAside"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Aside : IDisposable
{
    private static readonly AsyncLocal<int> Depth = new();

    // What is called back here may bring the context of the place where it was registered.
    [ThreadStatic]
    private static CellExecution? _here;
    private readonly CellExecution? _run;
    private readonly CellExecution? _outer;

    internal Aside(CellExecution? run)
    {
        _run = run;
        if (run is not null)
        {
            Depth.Value++;
            _outer = _here;
            _here = run;
            run.StepAside(1);
        }
    }

    /// <summary>True where the caller, a part of the run, stands in one.</summary>
    internal static bool IsHere(CellExecution run) => Depth.Value > 0 || _here == run;

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (_run is not null)
        {
            Depth.Value--;
            _here = _outer;
            _run.StepAside(-1);
        }
    }
}

/// <summary>How an interrupt treats what runs.</summary>
/// <param name="WakeAfter">When sleeping and waiting threads are woken.</param>
/// <param name="Patience">When the notebook stops waiting for it.</param>
internal sealed record InterruptMode(TimeSpan WakeAfter, TimeSpan Patience)
{
    /// <summary>The user's C#: woken soon, given up after the session's patience.</summary>
    public static InterruptMode Code(CSharpSessionOptions options) => new(TimeSpan.FromMilliseconds(60), options.InterruptPatience);

    /// <summary>A magic command: it knows its cancellation token and may have to put something in order first.</summary>
    public static InterruptMode Command(CSharpSessionOptions options) => new(TimeSpan.MaxValue, options.CommandPatience);

    /// <summary>True where the end is waited for also while nothing is seen to run.</summary>
    public bool EndsByItself => WakeAfter == TimeSpan.MaxValue;
}

/// <summary>
/// What cells call instead of a function of TorchSharp that does not catch libtorch's exceptions: there a wrong shape would end the process
/// and lose all variables.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class TorchGuard
{
    /// <summary><c>torch.matmul</c>, with libtorch's conditions asked before the call. Compiled into cells; not meant to be called by hand.</summary>
    /// <exception cref="ArgumentException">The tensors do not fit, in PyTorch's words.</exception>
    public static torch.Tensor Matmul(torch.Tensor input, torch.Tensor target)
    {
        if (input is not null && target is not null && Problem(input, target) is { } problem)
        {
            throw new ArgumentException(problem);
        }

        return input!.matmul(target);
    }

    private static string? Problem(torch.Tensor input, torch.Tensor target) => (input, target) switch
    {
        _ when input.dim() == 0 || target.dim() == 0
            => $"both arguments to matmul need to be at least 1D, but they are {input.dim()}D and {target.dim()}D",
        _ when input.device_type != target.device_type || input.device_index != target.device_index
            => $"Expected all tensors to be on the same device, but found at least two devices, {input.device} and {target.device}!",
        _ when input.dtype != target.dtype
            => $"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {target.dtype}",
        _ when input.dtype == torch.ScalarType.Bool => "\"addmm_impl_cpu_\" not implemented for 'Bool'",
        _ when input.shape[^1] != target.shape[^Math.Min(2, target.shape.Length)]
            => $"mat1 and mat2 shapes cannot be multiplied ({Sizes(input)} and {Sizes(target)})",
        _ => BatchProblem(input.shape.SkipLast(2).Reverse().ToArray(), target.shape.SkipLast(2).Reverse().ToArray()),
    };

    /// <summary>All dimensions but the last two are broadcast.</summary>
    private static string? BatchProblem(long[] a, long[] b)
    {
        var at = a.Zip(b).Index().FirstOrDefault(pair => pair.Item.First != pair.Item.Second && pair.Item.First != 1 && pair.Item.Second != 1, (-1, default));
        return at.Index < 0 ? null
            : $"The size of tensor a ({at.Item.First}) must match the size of tensor b ({at.Item.Second}) at non-singleton dimension "
                + $"{Math.Max(a.Length, b.Length) - 1 - at.Index}";
    }

    private static string Sizes(torch.Tensor tensor) => string.Join('x', tensor.shape);
}
