using System.Diagnostics.CodeAnalysis;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Execution;

/// <summary>The request that is being executed, if any, and the switch that interrupts it from another thread.</summary>
[SuppressMessage("Design", "CA1001", Justification = "An interrupt may be on its way through the source when the cell ends; it holds no handle.")]
internal sealed class RunningCell
{
    private readonly Lock _gate = new();
    private CancellationTokenSource? _source;

    /// <summary>The request being executed, or the last one that was.</summary>
    public JupyterMessage? Latest { get; private set; }

    /// <summary>True between begin and end.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _source is not null;
            }
        }
    }

    /// <summary>Begins an execution; the token fires on interrupt.</summary>
    public CancellationToken Begin(JupyterMessage request)
    {
        lock (_gate)
        {
            Latest = request;
            _source = new CancellationTokenSource();
            return _source.Token;
        }
    }

    /// <summary>Ends it.</summary>
    public void End()
    {
        lock (_gate)
        {
            _source = null;
        }
    }

    /// <summary>Interrupts what runs; nothing happens where nothing does. Does not wait, neither for a thread of the pool: the cell may have taken all.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            if (_source is { } source)
            {
                _ = Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
        }
    }
}
