using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Jupyter;

/// <summary>What was executed since the kernel started (its only session, number 1), and what it gave.</summary>
internal sealed class KernelHistory
{
    private const int Session = 1;
    private static readonly TimeSpan PatternLimit = TimeSpan.FromSeconds(1);

    private readonly List<Entry> _entries = [];

    public void Add(int line, string input, string? output) => _entries.Add(new Entry(line, input, output));

    /// <summary>The last <paramref name="count"/> entries.</summary>
    public IEnumerable<Entry> Tail(int count) => _entries.TakeLast(Math.Max(count, 0));

    /// <summary>Lines from <paramref name="start"/> to before <paramref name="stop"/>; 0 or 1 is this session, -1 the one before (empty).</summary>
    public IEnumerable<Entry> Range(int session, int start, int stop)
        => session is 0 or Session ? _entries.Where(entry => entry.Line >= start && entry.Line < stop) : [];

    /// <summary>The last entries that fit a pattern with <c>*</c> and <c>?</c>.</summary>
    public IEnumerable<Entry> Search(string pattern, int count, bool unique)
    {
        var expression = Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal);
        var fitting = _entries.Where(entry => Regex.IsMatch(entry.Input, $"\\A{expression}\\z", RegexOptions.Singleline, PatternLimit));
        var distinct = unique ? fitting.Reverse().DistinctBy(entry => entry.Input).Reverse() : fitting;
        return distinct.TakeLast(count);
    }

    /// <summary>An entry as <c>history_reply</c> has it.</summary>
    public static JsonNode Json(Entry entry, bool withOutput) => new JsonArray(
        Session, entry.Line, withOutput ? new JsonArray(entry.Input, entry.Output) : JsonValue.Create(entry.Input));

    /// <summary>One execution.</summary>
    public sealed record Entry(int Line, string Input, string? Output);
}

/// <summary>Passes a cell's output on and keeps the result's plain text for the history.</summary>
internal sealed class HistoryOutput(ICellOutput output) : ICellOutput
{
    /// <summary>The value of the last expression as text.</summary>
    public string? Result { get; private set; }

    public string? CellId => output.CellId;

    public IReadOnlyList<string> DeletedCells => output.DeletedCells;

    public void Stream(string name, string text) => output.Stream(name, text);

    public void DisplayData(MimeBundle data, string displayId) => output.DisplayData(data, displayId);

    public void UpdateDisplayData(MimeBundle data, string displayId) => output.UpdateDisplayData(data, displayId);

    public void ExecuteResult(MimeBundle data)
    {
        Result = data.Data.TryGetValue("text/plain", out var text) && text.GetValueKind() == JsonValueKind.String ? text.GetValue<string>() : null;
        output.ExecuteResult(data);
    }

    public void ClearOutput(bool wait) => output.ClearOutput(wait);
}
