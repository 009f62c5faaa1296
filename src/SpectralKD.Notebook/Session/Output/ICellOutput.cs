using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// Where a running cell's output goes: the notebook runner collects it into the document, the Jupyter kernel sends it on iopub.
/// Calls may come from any thread.
/// </summary>
internal interface ICellOutput
{
    /// <summary>The cell's name in the front end, the same whenever it runs; null where that names none.</summary>
    string? CellId => null;

    /// <summary>Names of cells that were deleted since the last one ran.</summary>
    IReadOnlyList<string> DeletedCells => [];

    /// <summary>False where what is shown goes nowhere.</summary>
    bool IsSeen => true;

    /// <summary>Text written to the console.</summary>
    /// <param name="name"><c>stdout</c> or <c>stderr</c>.</param>
    /// <param name="text">The text as written, line ends included.</param>
    void Stream(string name, string text);

    /// <summary>Something displayed (Jupyter's <c>display_data</c>).</summary>
    /// <param name="data">The same value in several MIME types.</param>
    /// <param name="displayId">Identity for later updates.</param>
    void DisplayData(MimeBundle data, string displayId);

    /// <summary>Replaces what was displayed under an identity (<c>update_display_data</c>), also in earlier cells.</summary>
    void UpdateDisplayData(MimeBundle data, string displayId);

    /// <summary>The value of the cell's last expression (<c>execute_result</c>).</summary>
    void ExecuteResult(MimeBundle data);

    /// <summary>Clears the cell's output (<c>clear_output</c>).</summary>
    /// <param name="wait">True: only when the next output arrives.</param>
    void ClearOutput(bool wait);
}

/// <summary>
/// One value in several representations, by MIME type. Text types hold a JSON string, JSON types
/// (<c>application/json</c>, <c>application/vnd.plotly.v1+json</c>) the JSON value itself. <c>text/plain</c> is always there.
/// </summary>
/// <param name="Data">MIME type to content.</param>
internal sealed record MimeBundle(IReadOnlyDictionary<string, JsonNode> Data);
