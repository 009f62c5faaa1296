using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A training run that has ended: how it went, and its epochs.</summary>
/// <param name="Run">The run.</param>
public sealed record RunView(DistillationRun Run) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Run.Name)}</b> {WebUtility.HtmlEncode(Summary)}</div>"
        + string.Concat(Weights.Select(w => $"<div>{WebUtility.HtmlEncode(w)}</div>"))
        + string.Concat(Run.Warnings.Select(w => $"<div>warning: {WebUtility.HtmlEncode(w)}</div>"))
        + EpochTable.Of(Run.Epochs).ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(
        Environment.NewLine, [$"{Run.Name} {Summary}", .. Weights, .. Run.Warnings.Select(w => "warning: " + w), EpochTable.Of(Run.Epochs).ToPlainText()]);

    private IEnumerable<string> Weights => new[]
    {
        Run.StudentOrigin is { } student ? $"student from: {student.Words}" : null,
        Run.TeacherOrigin is { } teacher ? $"teacher: {teacher.Words}" : null,
    }.OfType<string>();

    private string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Run.Finished ? "is complete" : "was stopped")} after {Run.Epochs.Count} epoch(s), {Run.Steps:N0} steps{Time}{Best}{Place}");

    private string Time
    {
        get
        {
            var seconds = Run.Epochs.Sum(epoch => epoch.Seconds ?? 0);
            var images = Run.Epochs.Sum(epoch => (epoch.Seconds ?? 0) * (epoch.ImagesPerSecond ?? 0));
            var time = seconds switch
            {
                < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
                < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.0} min"),
                _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
            };
            return seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $" in {time} at {images / seconds:0} images/s") : "";
        }
    }

    private string Best => Run.Best is { Top1: { } top1 } best
        ? string.Create(CultureInfo.InvariantCulture, $"; best top-1 {Math.Max(top1, best.AverageTop1 ?? 0):0.00} % in epoch {best.Epoch}")
        : "";

    private string Place => Run.Folder is null ? "" : $"; kept in {Run.Folder}" + (Run.Finished ? "" : " (go on with --resume)");
}
