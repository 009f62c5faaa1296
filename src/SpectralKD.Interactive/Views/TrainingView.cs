using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>
/// A running training at one glance: progress, the losses and top-1 so far as small curves, the last epochs. Drawn as SVG, so that an update in place is
/// a few kilobytes and needs no script.
/// </summary>
/// <param name="Title">What is trained on what.</param>
/// <param name="Now">The last news.</param>
/// <param name="Losses">Loss of the steps so far, thinned out.</param>
/// <param name="Epochs">The finished epochs.</param>
/// <param name="Warnings">What was noticed on the way.</param>
internal sealed record TrainingView(
    string Title, TrainingProgress Now, IReadOnlyList<double> Losses, IReadOnlyList<EpochMetrics> Epochs, IReadOnlyList<string> Warnings) : INotebookView
{
    private const int EpochsShown = 5;

    /// <summary>What was said beforehand, such as the size of the teacher's cache.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Title)}</b></div>"
        + string.Create(CultureInfo.InvariantCulture, $"<progress value=\"{Done:0.####}\" max=\"1\" style=\"width:24em\"></progress>")
        + $"<div style=\"font-size:90%\">{WebUtility.HtmlEncode(Status)}</div>"
        + "<div style=\"display:flex;flex-wrap:wrap;gap:1em\">"
        + Curve("loss, step by step", "blue,#2b8cd6", Losses)
        + Curve("top-1 of the student in %, by epoch", "orange,#dd6b20", [.. Epochs.Select(e => e.Top1).OfType<double>()])
        + Curve("top-1 of its average (EMA) in %, by epoch", "green,#1a9e77", [.. Epochs.Select(e => e.AverageTop1).OfType<double>()])
        + "</div>"
        + (Epochs.Count > 0 ? EpochTable.Of(Epochs.TakeLast(EpochsShown)).ToHtml() : "")
        + string.Concat(Lines.Select(line => $"<div>{WebUtility.HtmlEncode(line)}</div>"));

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, [
        Title, Status, .. Epochs.Count > 0 ? [EpochTable.Of(Epochs.TakeLast(EpochsShown)).ToPlainText()] : Array.Empty<string>(),
        .. Lines]);

    private IEnumerable<string> Lines => Notes.Select(note => "note: " + note).Concat(Warnings.Select(warning => "warning: " + warning));

    private double Done => Now.Epochs * Now.StepsPerEpoch is > 0 and var all ? Math.Min(1, (double)Now.TotalSteps / all) : 0;

    private string Status => string.Create(
        CultureInfo.InvariantCulture,
        $"epoch {Math.Min(Now.Epoch + 1, Now.Epochs)}/{Now.Epochs}, step {Now.Step}/{Now.StepsPerEpoch}, "
        + $"{Now.Loss?.ToString() ?? "no step yet"}, learning rate {Now.LearningRate:0.0e+0}, {Now.ImagesPerSecond:0} images/s{Left}");

    private string Left => Now.TimeLeft is { } left ? $", {Durations.Text(left)} left" : "";

    // One polyline in a box of 260 x 90 units, with its range written at the left. Its colour is the editor's of that name, else one that is seen on light and dark.
    private static string Curve(string name, string colour, IReadOnlyList<double> values)
    {
        if (values.Count < 2 || values.Any(v => !double.IsFinite(v)))
        {
            return "";
        }

        var (low, high) = (values.Min(), values.Max());
        var range = high > low ? high - low : 1;
        var points = values.Select((v, i) => FormattableString.Invariant($"{50 + (205.0 * i / (values.Count - 1)):0.#},{75 - (65 * (v - low) / range):0.#}"));
        return FormattableString.Invariant($"""
            <figure style="margin:0.4em 0"><svg viewBox="0 0 260 90" width="260" height="90" role="img" aria-label="{name}">
            <path d="M50 10V75H255" fill="none" stroke="#888"/><polyline points="{string.Join(' ', points)}" fill="none" style="stroke:var(--vscode-charts-{colour})" stroke-width="2"/>
            <text x="46" y="15" font-size="11" text-anchor="end" fill="currentColor">{high:0.###}</text>
            <text x="46" y="76" font-size="11" text-anchor="end" fill="currentColor">{low:0.###}</text></svg>
            <figcaption style="font-size:85%">{name}</figcaption></figure>
            """);
    }
}

/// <summary>Epochs as a table.</summary>
internal static class EpochTable
{
    private const int TermsEnd = 6; // where the columns of other losses stand

    private static readonly (string Heading, Func<EpochMetrics, string> Cell)[] Columns =
    [
        ("epoch", e => Number(e.Epoch, "0")),
        ("learning rate", e => Number(e.LearningRate, "0.0e+0")),
        ("loss", e => Number(e.Loss, "0.0000")),
        ("labels", e => Number(e.LabelLoss, "0.0000")),
        ("alignment", e => Number(e.AlignmentLoss, "0.0000")),
        ("KD", e => Number(e.LogitLoss, "0.0000")),
        ("top-1 %", e => Number(e.Top1, "0.00")),
        ("top-1 EMA %", e => Number(e.AverageTop1, "0.00")),
    ];

    /// <summary>The table; parts of the loss that a run does not have get no column.</summary>
    public static TextTable Of(IEnumerable<EpochMetrics> epochs)
    {
        var rows = epochs.ToList();
        var others = rows.SelectMany(row => row.OtherLosses?.Keys ?? []).Distinct()
            .Select(loss => (Heading: loss, Cell: (Func<EpochMetrics, string>)(row => row.OtherLosses?.TryGetValue(loss, out var value) == true ? Number(value, "0.0000") : "")));
        var columns = Columns[..TermsEnd].Concat(others).Concat(Columns[TermsEnd..]).Where(column => rows.Count == 0 || rows.Any(row => column.Cell(row).Length > 0)).ToList();
        return rows.Aggregate(
            new TextTable([.. columns.Select(column => column.Heading)]), (table, row) => table.Add([.. columns.Select(column => column.Cell(row))]));
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}

/// <summary>A training run that has ended: how it went, and its epochs.</summary>
/// <param name="Run">The run.</param>
internal sealed record RunView(DistillationRun Run) : INotebookView
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
        Run.TeacherCache?.Words,
    }.OfType<string>();

    private string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Run.Finished ? "is complete" : "was stopped")} after {PlainText.Count(Run.Epochs.Count, "epoch")}, {PlainText.Count(Run.Steps, "step")}{Time}{Best}{Place}");

    private string Time
    {
        get
        {
            var seconds = Run.Epochs.Sum(epoch => epoch.Seconds ?? 0);
            var images = Run.Epochs.Sum(epoch => (epoch.Seconds ?? 0) * (epoch.ImagesPerSecond ?? 0));
            return seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $" in {Durations.Text(seconds)} at {images / seconds:0} images/s") : "";
        }
    }

    private string Best => Run.Best is { Top1: { } top1 } best
        ? string.Create(CultureInfo.InvariantCulture, $"; best top-1 {Math.Max(top1, best.AverageTop1 ?? 0):0.00} % in epoch {best.Epoch}")
        : "";

    private string Place => Run.Folder is null ? "" : $"; kept in {Run.Folder}" + (Run.Finished ? "" : " (go on with --resume)");
}

/// <summary>How far a running command is: a bar, the rate and the time left.</summary>
/// <param name="What">What is being done, for example <c>analysing model on textures</c>.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0 where unknown.</param>
/// <param name="Unit">The unit in the plural, for example <c>images</c>.</param>
/// <param name="Elapsed">Time since the start.</param>
internal sealed record ProgressView(string What, long Done, long Total, string Unit, TimeSpan Elapsed) : INotebookView
{
    private double Fraction => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : 0;

    private double Rate => Elapsed.TotalSeconds > 0 ? Done / Elapsed.TotalSeconds : 0;

    /// <summary>All in one line, without a bar.</summary>
    public string Words => $"{What}: {Figures}";

    private string Figures => string.Create(CultureInfo.InvariantCulture, $"{Done:N0}{(Total > 0 ? $"/{Total:N0}" : "")} {Unit}, {RateText}, {Left}");

    private string RateText => Rate >= 10 || Rate == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Rate:N0} {Unit}/s")
        : string.Create(CultureInfo.InvariantCulture, $"{Rate:0.0#} {Unit}/s");

    private string Left => Fraction >= 1 ? $"took {Durations.Text(Elapsed)}"
        : Fraction > 0 && Rate > 0 ? $"{Durations.Text((Total - Done) / Rate)} left"
        : $"{Durations.Text(Elapsed)} so far";

    /// <inheritdoc/>
    public string ToHtml() => string.Create(CultureInfo.InvariantCulture, $"""
        <div style="font-size:90%">{WebUtility.HtmlEncode(What)} <progress value="{Fraction:0.####}" max="1" style="width:16em;vertical-align:middle"></progress> {WebUtility.HtmlEncode(Figures)}</div>
        """);

    /// <inheritdoc/>
    public string ToPlainText()
    {
        var filled = (int)(Fraction * 20);
        return $"{What} {new string('█', filled)}{new string('░', 20 - filled)} {Figures}";
    }
}
