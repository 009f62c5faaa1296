namespace SpectralKD.Notebook.Jupyter.Execution;

/// <summary>Whether the kernel goes on, and what ends it.</summary>
internal sealed class KernelLife
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the kernel is to end.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Ends the kernel; further calls do nothing.</summary>
    public void End() => _ended.TrySetResult();
}
