using System.Globalization;
using System.Net;

namespace SpectralKD.Interactive.Views;

/// <summary>A comparison at one glance: a row for each method, then what may be said of it.</summary>
/// <param name="Result">What it has come to.</param>
internal sealed record ComparisonView(ComparisonResult Result) : INotebookView
{
    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Title)}</b></div>{Table().ToHtml()}<div style=\"font-size:90%\">{string.Concat(Lines.Select(line => $"<div>{WebUtility.HtmlEncode(line)}</div>"))}</div>";

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, [Title, Table().ToPlainText(), .. Lines]);

    private string Title => (Result.Comparison.Note ?? $"{Result.Comparison.Methods.Count} methods")
        + FormattableString.Invariant($" ({Result.Outcomes.Count} of {Result.Outcomes.Count + Result.Missing.Count} runs; differences to {Result.Comparison.BaselineName})");

    private IEnumerable<string> Lines =>
    [
        .. Result.Notes.Select(note => $"note: {note}"),
        .. Result.Failures.Select(failure => $"failed: {failure.Key}: {failure.Value}"),
        .. Result.Missing.Count == 0 ? Array.Empty<string>() : [$"not finished: {string.Join(", ", Result.Missing.Take(6))}{(Result.Missing.Count > 6 ? $", … {Result.Missing.Count} in all" : "")}"],
    ];

    private TextTable Table()
    {
        var students = Result.Rows.Select(row => row.Student).Distinct().Count() > 1;
        var times = Enumerable.Range(0, Result.Accuracies.Count).ToList();
        var table = new TextTable([
            .. students ? ["student"] : Array.Empty<string>(), "method", "seeds", "top-1 %", "difference",
            .. times.Select(time => Invariant($"to {Result.Accuracies[time]:0.##} %")), "a step", "memory", "verdict",
        ]);
        foreach (var row in Result.Rows)
        {
            table.Add([
                .. students ? [row.Student] : Array.Empty<string>(), row.Method, Invariant($"{row.Seeds}"),
                Invariant($"{row.Top1:0.0}") + (row.Deviation is { } deviation ? Invariant($" ± {deviation:0.0}") : ""), Difference(row.Difference),
                .. times.Select(time => Time(row.Times[time], row.Seeds)),
                row.Cost is { } cost ? Durations.Text(cost.Seconds) is "0.0 s" ? Invariant($"{1000 * cost.Seconds:0} ms") : Invariant($"{cost.Seconds:0.00} s") : "",
                row.Cost?.PeakBytes is { } bytes ? Invariant($"{bytes / 1e6:0} MB") : "", row.Verdict,
            ]);
        }

        return table;
    }

    private static string Difference(PairedDifference? difference) => difference is null ? ""
        : Invariant($"{difference.Mean:+0.0;-0.0;0.0}") + (difference.HalfWidth is { } half ? Invariant($" ± {half:0.0}") : "");

    // Epochs, and seconds of training behind them.
    private static string Time(TimeToAccuracy time, int seeds) => time.Epochs is not { } epochs ? Invariant($"{time.Reached}/{seeds} seeds")
        : Invariant($"{epochs:0.#} ep.") + (time.Seconds is { } seconds && double.IsFinite(seconds) ? $", {Durations.Text(seconds)}" : "");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A comparison that is being trained.</summary>
/// <param name="Title">What is compared.</param>
/// <param name="Now">The last news.</param>
/// <param name="Notes">What was said so far.</param>
/// <param name="Done">Finished runs with their top-1.</param>
internal sealed record ComparisonProgressView(string Title, ComparisonProgress Now, IReadOnlyList<string> Notes, IReadOnlyList<(string Run, double? Top1)> Done) : INotebookView
{
    private const int Shown = 5;

    /// <inheritdoc/>
    public string ToHtml() => $"<div><b>{WebUtility.HtmlEncode(Title)}</b></div>"
        + string.Create(CultureInfo.InvariantCulture, $"<progress value=\"{Now.Done}\" max=\"{Math.Max(1, Now.Total)}\" style=\"width:24em\"></progress>")
        + string.Concat(Lines.Select(line => $"<div style=\"font-size:90%\">{WebUtility.HtmlEncode(line)}</div>"));

    /// <inheritdoc/>
    public string ToPlainText() => string.Join(Environment.NewLine, Lines.Prepend(Title));

    private IEnumerable<string> Lines =>
    [
        string.Create(CultureInfo.InvariantCulture, $"{Now.Done} of {Now.Total} runs finished"),
        .. Now.Training is { } training ? [string.Create(CultureInfo.InvariantCulture, $"{Now.Run}: epoch {Math.Min(training.Epoch + 1, training.Epochs)}/{training.Epochs}, step {training.Step}/{training.StepsPerEpoch}, {training.ImagesPerSecond:0} images/s")]
            : Array.Empty<string>(),
        .. Done.Count > Shown ? [$"the last {Shown}:"] : Array.Empty<string>(),
        .. Done.TakeLast(Shown).Select(run => string.Create(CultureInfo.InvariantCulture, $"{run.Run}: top-1 {run.Top1:0.0} %")),
        .. Notes.Select(note => $"note: {note}"),
    ];
}
