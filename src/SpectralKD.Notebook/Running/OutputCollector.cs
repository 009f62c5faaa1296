using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Running;

/// <summary>
/// All outputs of a run, as nbclient collects them. Cells may write from any thread, also after they ended; one lock guards the
/// whole notebook, since an update can reach any earlier cell.
/// </summary>
internal sealed class OutputCollector
{
    private readonly Dictionary<string, List<CollectedOutput>> _displays = new(StringComparer.Ordinal);
    private readonly List<CellOutputCollector> _cells = [];

    public Lock Gate { get; } = new();

    public CellOutputCollector For(NotebookCell cell, int executionCount)
    {
        var collector = new CellOutputCollector(this, cell, executionCount);
        lock (Gate)
        {
            _cells.Add(collector);
        }
        return collector;
    }

    /// <summary>Does something to the notebook while no cell can write, with every output in place.</summary>
    public void WithOutputs(Action act)
    {
        lock (Gate)
        {
            _cells.ForEach(cell => cell.WriteToCell());
            act();
        }
    }

    public void Remember(string displayId, CollectedOutput output)
    {
        if (!_displays.TryGetValue(displayId, out var outputs))
        {
            _displays[displayId] = outputs = [];
        }
        outputs.Add(output);
    }

    public void Forget(IEnumerable<CollectedOutput> outputs)
    {
        var gone = outputs.ToHashSet();
        foreach (var displays in _displays.Values)
        {
            displays.RemoveAll(gone.Contains);
        }
    }

    public void Update(string displayId, JsonObject data)
    {
        foreach (var output in _displays.GetValueOrDefault(displayId) ?? [])
        {
            output.Replace(data);
        }
    }
}
