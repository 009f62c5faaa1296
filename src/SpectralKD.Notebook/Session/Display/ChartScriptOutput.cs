using System.Text.Json;
using System.Text.Json.Nodes;
using SpectralKD.Interactive.Charting;

namespace SpectralKD.Notebook.Session.Display;

/// <summary>Passes a cell's output on, and puts plotly.js into a chart's HTML where no other output of the notebook carries it.</summary>
internal sealed class ChartScriptOutput : ICellOutput
{
    private const string Html = "text/html";
    private readonly ICellOutput _output;
    private readonly CarriedScript _script;
    private readonly string _code;

    /// <summary>Begins a cell's run.</summary>
    public ChartScriptOutput(ICellOutput output, CarriedScript script, string code)
    {
        (_output, _script, _code) = (output, script, code);
        script.Begin(output.CellId, code, output.DeletedCells);
    }

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
        return _script.Show(this, _output.CellId, _code, displayId, ChartScript.HasPlace(html))
            ? new MimeBundle(new Dictionary<string, JsonNode>(data.Data) { [Html] = JsonValue.Create(ChartScript.With(html)) })
            : data;
    }
}
