using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Running;

/// <summary>
/// Collects one cell's outputs by Jupyter's rules: a stream that goes on is one output, an update replaces what was shown under its
/// identity, a waiting clear happens at the next output.
/// </summary>
internal sealed class CellOutputCollector(OutputCollector run, NotebookCell cell, int executionCount) : ICellOutput
{
    private readonly List<CollectedOutput> _outputs = [];
    private bool _clearAtNext;

    public string? CellId { get; } = FormattableString.Invariant($"cell {executionCount}");

    public void Stream(string name, string text)
    {
        lock (run.Gate)
        {
            ClearIfWaiting();
            if (_outputs.LastOrDefault() is not StreamOutput stream || stream.Name != name)
            {
                _outputs.Add(stream = new StreamOutput(name));
            }
            stream.Append(text);
        }
    }

    public void DisplayData(MimeBundle data, string displayId)
    {
        lock (run.Gate)
        {
            var output = Add(new DisplayOutput(CollectedOutput.DataOf(data)));
            run.Remember(displayId, output);
        }
    }

    public void UpdateDisplayData(MimeBundle data, string displayId)
    {
        lock (run.Gate)
        {
            run.Update(displayId, CollectedOutput.DataOf(data));
        }
    }

    public void ExecuteResult(MimeBundle data)
    {
        lock (run.Gate)
        {
            Add(new ResultOutput(CollectedOutput.DataOf(data), executionCount));
        }
    }

    public void ClearOutput(bool wait)
    {
        lock (run.Gate)
        {
            _clearAtNext = wait;
            if (!wait)
            {
                Clear();
            }
        }
    }

    public void Error(CellError error)
    {
        lock (run.Gate)
        {
            Add(new ErrorOutput(error));
        }
    }

    /// <summary>Puts what was collected so far into the cell's JSON. Call it inside the run's lock.</summary>
    public void WriteToCell()
    {
        if (_outputs.Count == cell.Outputs.Count && !_outputs.Exists(output => output.IsNew))
        {
            return;
        }
        cell.Outputs = new JsonArray([.. _outputs.Select(output => (JsonNode)output.ToJson())]);
        _outputs.ForEach(output => output.IsNew = false);
    }

    private CollectedOutput Add(CollectedOutput output)
    {
        ClearIfWaiting();
        _outputs.Add(output);
        return output;
    }

    private void ClearIfWaiting()
    {
        if (_clearAtNext)
        {
            _clearAtNext = false;
            Clear();
        }
    }

    private void Clear()
    {
        run.Forget(_outputs);
        _outputs.Clear();
    }
}
