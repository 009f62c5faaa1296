using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Runner;

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

/// <summary>One output of a cell, before it becomes nbformat JSON.</summary>
internal abstract class CollectedOutput
{
    /// <summary>True until the cell's JSON shows it.</summary>
    public bool IsNew { get; set; } = true;

    public abstract JsonObject ToJson();

    public virtual void Replace(JsonObject data)
    {
    }

    public static JsonObject DataOf(MimeBundle bundle)
    {
        var data = new JsonObject();
        foreach (var (mimeType, content) in bundle.Data.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            data[mimeType] = MultilineText.IsSplit(mimeType) && MultilineText.IsText(content)
                ? MultilineText.Split(MultilineText.Join(content))
                : content.DeepClone();
        }
        return data;
    }
}

/// <summary>Console text; grows while the same stream goes on.</summary>
internal sealed class StreamOutput(string name) : CollectedOutput
{
    private readonly StringBuilder _text = new();

    public string Name { get; } = name;

    public void Append(string text)
    {
        _text.Append(text);
        IsNew = true;
    }

    public override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["output_type"] = "stream",
        ["text"] = MultilineText.Split(_text.ToString()),
    };
}

/// <summary>Something displayed; an update replaces its data.</summary>
internal sealed class DisplayOutput(JsonObject data) : CollectedOutput
{
    private JsonObject _data = data;

    public override void Replace(JsonObject data)
    {
        _data = data;
        IsNew = true;
    }

    public override JsonObject ToJson() => new()
    {
        ["data"] = _data.DeepClone(),
        ["metadata"] = new JsonObject(),
        ["output_type"] = "display_data",
    };
}

/// <summary>The value of a cell's last expression.</summary>
internal sealed class ResultOutput(JsonObject data, int executionCount) : CollectedOutput
{
    public override JsonObject ToJson() => new()
    {
        ["data"] = data.DeepClone(),
        ["execution_count"] = executionCount,
        ["metadata"] = new JsonObject(),
        ["output_type"] = "execute_result",
    };
}

/// <summary>Why a cell failed.</summary>
internal sealed class ErrorOutput(CellError error) : CollectedOutput
{
    public override JsonObject ToJson() => new()
    {
        ["ename"] = error.Name,
        ["evalue"] = error.Message,
        ["output_type"] = "error",
        ["traceback"] = new JsonArray([.. error.Traceback.Select(line => (JsonNode)line)]),
    };
}
