using System.Text.Json;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Jupyter.Execution;

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
