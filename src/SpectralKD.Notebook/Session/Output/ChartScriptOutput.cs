using System.Text.Json;
using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Passes a cell's output on, and puts a script (plotly.js, mermaid.js) into the HTML that needs it where no other output of the notebook carries it.
/// </summary>
internal sealed class ChartScriptOutput : ICellOutput
{
    private const string Html = "text/html";
    private readonly ICellOutput _output;
    private readonly CarriedScript _script;
    private readonly string _code;
    private readonly Func<string, bool> _hasPlace;
    private readonly Func<string, string> _with;

    /// <summary>Begins a cell's run.</summary>
    /// <param name="output">Where the output goes.</param>
    /// <param name="script">What of the notebook carries the script.</param>
    /// <param name="code">The cell's code.</param>
    /// <param name="hasPlace">Whether HTML has a place for the script.</param>
    /// <param name="with">HTML with the script in that place.</param>
    public ChartScriptOutput(ICellOutput output, CarriedScript script, string code, Func<string, bool> hasPlace, Func<string, string> with)
    {
        (_output, _script, _code, _hasPlace, _with) = (output, script, code, hasPlace, with);
        script.Begin(output.CellId, code, output.DeletedCells);
    }

    /// <inheritdoc />
    public string? CellId => _output.CellId;

    /// <inheritdoc />
    public IReadOnlyList<string> DeletedCells => _output.DeletedCells;

    /// <inheritdoc />
    public void Stream(string name, string text) => _output.Stream(name, text);

    /// <inheritdoc />
    public void DisplayData(MimeBundle data, string displayId) => _output.DisplayData(WithScript(data, displayId), displayId);

    /// <inheritdoc />
    public void UpdateDisplayData(MimeBundle data, string displayId) => _output.UpdateDisplayData(WithScript(data, displayId), displayId);

    /// <inheritdoc />
    public void ExecuteResult(MimeBundle data) => _output.ExecuteResult(WithScript(data, null));

    /// <inheritdoc />
    public void ClearOutput(bool wait)
    {
        _script.Clear(this);
        _output.ClearOutput(wait);
    }

    private MimeBundle WithScript(MimeBundle data, string? displayId)
    {
        var html = data.Data.GetValueOrDefault(Html) is { } node && node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : "";
        return _script.Show(this, _output.CellId, _code, displayId, _hasPlace(html))
            ? new MimeBundle(new Dictionary<string, JsonNode>(data.Data) { [Html] = JsonValue.Create(_with(html)) })
            : data;
    }
}
