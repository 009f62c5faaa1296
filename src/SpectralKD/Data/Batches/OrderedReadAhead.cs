using System.Threading.Channels;

namespace SpectralKD.Data;

/// <summary>
/// Computes items on worker threads ahead of their use and hands them out in the order of their inputs, whatever the number of workers.
/// At most <c>readAhead</c> results exist at a time. Stopping early, or cancelling, ends the workers before control returns.
/// </summary>
internal static class OrderedReadAhead
{
    /// <summary>Maps inputs to outputs; an exception of <paramref name="compute"/> comes out at its item.</summary>
    public static IEnumerable<TOutput> Run<TInput, TOutput>(
        IEnumerable<TInput> inputs, Func<TInput, TOutput> compute, int workers, int readAhead, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ordered = Channel.CreateBounded<Slot<TInput, TOutput>>(readAhead);
        var work = Channel.CreateUnbounded<Slot<TInput, TOutput>>();
        var tasks = Enumerable.Range(0, workers)
            .Select(_ => Task.Run(() => ComputeAsync(work.Reader, compute, stop.Token), CancellationToken.None))
            .Append(Task.Run(() => FeedAsync(inputs, ordered.Writer, work.Writer, stop.Token), CancellationToken.None))
            .ToArray();
        try
        {
            while (Wait(ordered.Reader.WaitToReadAsync(cancellation)))
            {
                while (ordered.Reader.TryRead(out var slot))
                {
                    cancellation.ThrowIfCancellationRequested();
                    yield return slot.Result.Task.WaitAsync(cancellation).GetAwaiter().GetResult();
                }
            }
        }
        finally
        {
            stop.Cancel();
            Task.WaitAll(tasks, CancellationToken.None);
        }
    }

    private static bool Wait(ValueTask<bool> task) => task.AsTask().GetAwaiter().GetResult();

    private static async Task FeedAsync<TInput, TOutput>(
        IEnumerable<TInput> inputs,
        ChannelWriter<Slot<TInput, TOutput>> ordered,
        ChannelWriter<Slot<TInput, TOutput>> work,
        CancellationToken stop)
    {
        Exception? failure = null;
        try
        {
            foreach (var input in inputs)
            {
                var slot = new Slot<TInput, TOutput>(input);
                await ordered.WriteAsync(slot, stop).ConfigureAwait(false);
                work.TryWrite(slot);
            }
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            failure = error;
        }
        catch (OperationCanceledException)
        {
            // The consumer has stopped; nobody reads any more.
        }

        ordered.TryComplete(failure);
        work.TryComplete();
    }

    private static async Task ComputeAsync<TInput, TOutput>(
        ChannelReader<Slot<TInput, TOutput>> work, Func<TInput, TOutput> compute, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && await work.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            while (!stop.IsCancellationRequested && work.TryRead(out var slot))
            {
                Compute(slot, compute);
            }
        }
    }

    private static void Compute<TInput, TOutput>(Slot<TInput, TOutput> slot, Func<TInput, TOutput> compute)
    {
        try
        {
            slot.Result.SetResult(compute(slot.Input));
        }
#pragma warning disable CA1031 // whatever it is, the consumer gets it at its place in the order
        catch (Exception error)
#pragma warning restore CA1031
        {
            slot.Result.SetException(error);
        }
    }

    private sealed class Slot<TInput, TOutput>(TInput input)
    {
        public TInput Input { get; } = input;

        public TaskCompletionSource<TOutput> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
