using System.Globalization;
using System.Text.Json.Nodes;
using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Running;

/// <summary>Writes when things ran where papermill and nbclient write it, so that their tools read it.</summary>
internal static class RunTimings
{
    public static void BeginNotebook(NotebookDocument notebook, string input, string output, IReadOnlyList<NotebookParameter> parameters, DateTime start)
    {
        var values = new JsonObject();
        foreach (var parameter in parameters)
        {
            values[parameter.Name] = JsonValue.Create(parameter.Value);
        }
        notebook.Metadata.SetSorted("papermill", new JsonObject
        {
            ["default_parameters"] = new JsonObject(),
            ["duration"] = null,
            ["end_time"] = null,
            ["environment_variables"] = new JsonObject(),
            ["exception"] = null,
            ["input_path"] = input,
            ["output_path"] = output,
            ["parameters"] = values,
            ["start_time"] = Iso(start),
            ["version"] = $"spectralkd {typeof(RunTimings).Assembly.GetName().Version?.ToString(3)}",
        });
    }

    public static void EndNotebook(NotebookDocument notebook, DateTime start, DateTime end, bool failed)
    {
        var papermill = (JsonObject)notebook.Metadata["papermill"]!;
        papermill["duration"] = Seconds(end - start);
        papermill["end_time"] = Iso(end);
        papermill["exception"] = failed ? true : null;
    }

    public static void Pending(NotebookCell cell) => Set(cell, "pending", null, null, null);

    public static void Running(NotebookCell cell, DateTime start) => Set(cell, "running", start, null, null);

    public static void Ended(NotebookCell cell, DateTime start, DateTime end, bool failed)
    {
        Set(cell, failed ? "failed" : "completed", start, end, failed);
        cell.Metadata.SetSorted("execution", new JsonObject
        {
            ["iopub.execute_input"] = Iso(start) + "Z",
            ["iopub.status.busy"] = Iso(start) + "Z",
            ["iopub.status.idle"] = Iso(end) + "Z",
            ["shell.execute_reply"] = Iso(end) + "Z",
        });
    }

    private static void Set(NotebookCell cell, string status, DateTime? start, DateTime? end, bool? failed) => cell.Metadata.SetSorted("papermill", new JsonObject
    {
        ["duration"] = end is null ? null : Seconds(end.Value - start!.Value),
        ["end_time"] = end is null ? null : Iso(end.Value),
        ["exception"] = failed,
        ["start_time"] = start is null ? null : Iso(start.Value),
        ["status"] = status,
    });

    private static string Iso(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    private static double Seconds(TimeSpan duration) => Math.Round(duration.TotalSeconds, 6);
}
