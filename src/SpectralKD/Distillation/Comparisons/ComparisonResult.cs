using System.Globalization;
using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>What a comparison has come to so far: a row for each student and method, and the runs behind it.</summary>
public sealed record ComparisonResult
{
    /// <summary>The comparison.</summary>
    public required Comparison Comparison { get; init; }

    /// <summary>Its folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The finished runs.</summary>
    public required IReadOnlyList<ComparedOutcome> Outcomes { get; init; }

    /// <summary>One row for each student and method that has a finished run.</summary>
    public required IReadOnlyList<ComparisonRow> Rows { get; init; }

    /// <summary>Names of the runs that are not finished.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Runs of this call that ended with an error, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Failures { get; init; } = new Dictionary<string, string>();

    /// <summary>What a reader of the table should know, one line each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>True if every run is finished.</summary>
    public bool Finished => Missing.Count == 0;

    /// <summary>The accuracies in percent that epochs and seconds are counted to.</summary>
    public required IReadOnlyList<double> Accuracies { get; init; }

    /// <summary>Reads the finished runs of a comparison's folder, whoever trained them, and works the table out.</summary>
    /// <param name="folder">The folder that <c>spectralkd compare</c> made.</param>
    /// <exception cref="SpectralKDException">There is no comparison.</exception>
    public static ComparisonResult Gather(string folder) => ComparisonGathering.Of(new ComparisonFolder(folder));

    /// <summary>
    /// The table: <c>student</c>, <c>method</c>, <c>seeds</c>, <c>top1</c> (mean after the last epoch, %), <c>top1_sd</c>, <c>difference</c> to the baseline (paired, points) with
    /// its 95 % interval <c>low</c> to <c>high</c> over seeds and <c>images_low</c> to <c>images_high</c> over test images, <c>p</c>, <c>p_holm</c>, <c>seeds_needed</c>, <c>epochs</c>,
    /// for each accuracy <c>epochs_to_N</c>, <c>seconds_to_N</c> and <c>reached_N</c>, <c>step_seconds</c>, <c>step_processor_seconds</c>, <c>peak_mb</c>, <c>verdict</c>.
    /// </summary>
    public DataFrame ToDataFrame()
    {
        var columns = new List<DataFrameColumn>
        {
            new StringDataFrameColumn("student", Rows.Select(row => row.Student)),
            new StringDataFrameColumn("method", Rows.Select(row => row.Method)),
            new Int32DataFrameColumn("seeds", Rows.Select(row => row.Seeds)),
            new DoubleDataFrameColumn("top1", Rows.Select(row => row.Top1)),
            new DoubleDataFrameColumn("top1_sd", Rows.Select(row => row.Deviation)),
            new DoubleDataFrameColumn("difference", Rows.Select(row => row.Difference?.Mean)),
            new DoubleDataFrameColumn("low", Rows.Select(row => row.Difference?.Low)),
            new DoubleDataFrameColumn("high", Rows.Select(row => row.Difference?.High)),
            new DoubleDataFrameColumn("images_low", Rows.Select(row => row.ImagesLow)),
            new DoubleDataFrameColumn("images_high", Rows.Select(row => row.ImagesHigh)),
            new DoubleDataFrameColumn("p", Rows.Select(row => row.Difference?.Probability)),
            new DoubleDataFrameColumn("p_holm", Rows.Select(row => row.Holm)),
            new Int32DataFrameColumn("seeds_needed", Rows.Select(row => row.Difference?.SeedsNeeded)),
            new Int32DataFrameColumn("epochs", Rows.Select(row => row.Epochs)),
        };
        for (var i = 0; i < Accuracies.Count; i++)
        {
            var (place, name) = (i, Accuracies[i].ToString("0.##", CultureInfo.InvariantCulture));
            columns.Add(new DoubleDataFrameColumn($"epochs_to_{name}", Rows.Select(row => row.Times[place].Epochs)));
            columns.Add(new DoubleDataFrameColumn($"seconds_to_{name}", Rows.Select(row => row.Times[place].Seconds)));
            columns.Add(new Int32DataFrameColumn($"reached_{name}", Rows.Select(row => row.Times[place].Reached)));
        }

        columns.Add(new DoubleDataFrameColumn("step_seconds", Rows.Select(row => row.Cost?.Seconds)));
        columns.Add(new DoubleDataFrameColumn("step_processor_seconds", Rows.Select(row => row.Cost?.ProcessorSeconds)));
        columns.Add(new DoubleDataFrameColumn("peak_mb", Rows.Select(row => row.Cost?.PeakBytes / 1e6)));
        columns.Add(new StringDataFrameColumn("verdict", Rows.Select(row => row.Verdict)));
        return new DataFrame(columns);
    }

    /// <summary>
    /// One row for each epoch of each finished run: <c>student</c>, <c>method</c>, <c>seed</c>, <c>epoch</c> (0-based), <c>seconds</c> (of training so far, by the measured cost of
    /// a step), <c>train_loss</c>, <c>test_loss</c>, <c>test_acc1</c>, <c>test_acc5</c>, <c>test_acc1_ema</c>.
    /// </summary>
    public DataFrame RunsToDataFrame()
    {
        var rows = Outcomes.SelectMany(outcome => outcome.Epochs.Select(epoch => (outcome, epoch))).ToList();
        return new DataFrame(
            new StringDataFrameColumn("student", rows.Select(row => row.outcome.Student)),
            new StringDataFrameColumn("method", rows.Select(row => row.outcome.Method)),
            new Int32DataFrameColumn("seed", rows.Select(row => row.outcome.Seed)),
            new Int32DataFrameColumn("epoch", rows.Select(row => row.epoch.Epoch)),
            new DoubleDataFrameColumn("seconds", rows.Select(row => row.outcome.SecondsAfter(row.epoch.Epoch + 1))),
            new DoubleDataFrameColumn("train_loss", rows.Select(row => row.epoch.Loss)),
            new DoubleDataFrameColumn("test_loss", rows.Select(row => row.epoch.ValidationLoss)),
            new DoubleDataFrameColumn("test_acc1", rows.Select(row => row.epoch.Top1)),
            new DoubleDataFrameColumn("test_acc5", rows.Select(row => row.epoch.Top5)),
            new DoubleDataFrameColumn("test_acc1_ema", rows.Select(row => row.epoch.AverageTop1)));
    }

    /// <summary>Writes <c>summary.csv</c> and <c>runs.csv</c> (the two tables) and <c>summary.json</c> (the rows with their verdicts and notes) into a folder.</summary>
    /// <exception cref="SpectralKDException">The folder cannot be written.</exception>
    public void Save(string folder)
    {
        ToDataFrame().SaveTable(Path.Combine(folder, "summary.csv"));
        RunsToDataFrame().SaveTable(Path.Combine(folder, "runs.csv"));
        AtomicFile.WriteText(Path.Combine(folder, "summary.json"), ToJson());
    }

    /// <summary>The rows, the notes and the missing runs as JSON text.</summary>
    public string ToJson() => ComparisonGathering.Json(this);
}

/// <summary>A finished run of a comparison.</summary>
/// <param name="Student">The student's name.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Epochs">Its epochs.</param>
/// <param name="Hits">Which validation images were right after the last epoch, in the images' order; null where that was not kept.</param>
/// <param name="Recipe">What it was asked to do.</param>
/// <param name="Cost">The cost of its method's step; null where it was not measured.</param>
public sealed record ComparedOutcome(
    string Student, string Method, int Seed, IReadOnlyList<EpochMetrics> Epochs, IReadOnlyList<bool>? Hits, DistillationRecipe Recipe, StepCost? Cost)
{
    /// <summary>Top-1 in percent after the last epoch: the student's own weights, so that no epoch is chosen by the images that it is judged by.</summary>
    public double Top1 => Epochs[^1].Top1 ?? double.NaN;

    /// <summary>Seconds of training of so many epochs, by the measured cost of a step, the teacher asked in each; where it was not measured, as the run itself logged them.</summary>
    public double SecondsAfter(int epochs) => Cost is { } cost ? epochs * cost.StepsPerEpoch * cost.Seconds : Epochs.Take(epochs).Sum(epoch => epoch.Seconds ?? double.NaN);
}

/// <summary>How soon a method reaches an accuracy, at the ends of epochs.</summary>
/// <param name="Accuracy">Top-1 in percent.</param>
/// <param name="Reached">Seeds that reach it.</param>
/// <param name="Epochs">Mean number of epochs; null unless all seeds reach it.</param>
/// <param name="Seconds">Mean seconds of training; null unless all seeds reach it.</param>
public sealed record TimeToAccuracy(double Accuracy, int Reached, double? Epochs, double? Seconds);

/// <summary>One student's method over its seeds.</summary>
public sealed record ComparisonRow
{
    /// <summary>The student.</summary>
    public required string Student { get; init; }

    /// <summary>The method.</summary>
    public required string Method { get; init; }

    /// <summary>Finished seeds.</summary>
    public required int Seeds { get; init; }

    /// <summary>Mean top-1 in percent after the last epoch.</summary>
    public required double Top1 { get; init; }

    /// <summary>Standard deviation of top-1 over the seeds; null for one.</summary>
    public double? Deviation { get; init; }

    /// <summary>The paired difference to the baseline; null for the baseline itself, or without a common seed.</summary>
    public PairedDifference? Difference { get; init; }

    /// <summary>Holm's probability among all comparisons; null without one.</summary>
    public double? Holm { get; init; }

    /// <summary>Lower end of the 95 % interval of the difference over test images, these very students given; null where the images were not kept.</summary>
    public double? ImagesLow { get; init; }

    /// <summary>Upper end of that interval.</summary>
    public double? ImagesHigh { get; init; }

    /// <summary>Epochs of a run.</summary>
    public required int Epochs { get; init; }

    /// <summary>How soon it reaches each of the comparison's accuracies.</summary>
    public required IReadOnlyList<TimeToAccuracy> Times { get; init; }

    /// <summary>What a step costs; null where it was not measured.</summary>
    public StepCost? Cost { get; init; }

    /// <summary>The layer pairs that are aligned, <c>(student, teacher)</c>; empty for the paper's end points or none.</summary>
    public IReadOnlyList<(int Student, int Teacher)> Pairs { get; init; } = [];

    /// <summary>What may be said of the difference, in words.</summary>
    public required string Verdict { get; init; }
}
