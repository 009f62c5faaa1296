using System.Globalization;
using System.Text.Json;
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

/// <summary>Works the rows of a comparison out of its runs' folders.</summary>
internal static class ComparisonGathering
{
    private static readonly double[] Shares = [0.5, 0.75, 0.9];

    private static readonly JsonSerializerOptions Writing = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        IncludeFields = true, // pairs of layers
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static ComparisonResult Of(ComparisonFolder folder)
    {
        var comparison = folder.Stored() ?? throw new SpectralKDException($"there is no comparison.json in '{folder.Root}': name the folder that spectralkd compare made");
        var runs = comparison.Runs();
        var found = runs.Select(run => (Run: run, State: folder.StateOf(run))).ToList();
        IReadOnlyList<ComparedOutcome> outcomes = [.. found.Where(entry => entry.State is { Finished: true, Epochs.Count: > 0 }).Select(entry => Outcome(folder, entry.Run, entry.State!))];
        var accuracies = comparison.Accuracies.Count > 0 ? comparison.Accuracies : AccuraciesOf(comparison, outcomes);
        var rows = Rows(comparison, outcomes, accuracies);
        return new ComparisonResult
        {
            Comparison = comparison,
            Folder = folder.Root,
            Outcomes = outcomes,
            Rows = rows,
            Missing = [.. found.Where(entry => entry.State is not { Finished: true }).Select(entry => entry.Run.Name)],
            Notes = Notes(comparison, runs, outcomes, found.Select(entry => entry.State).OfType<RunState>()),
            Accuracies = accuracies,
        };
    }

    public static string Json(ComparisonResult result) => JsonSerializer.Serialize(
        new { result.Comparison.Note, Baseline = result.Comparison.BaselineName, result.Accuracies, result.Rows, result.Notes, result.Missing }, Writing) + "\n";

    private static ComparedOutcome Outcome(ComparisonFolder folder, ComparedRun run, RunState state)
    {
        var recipe = RunFolder.RecipeIn(folder.FolderOf(run)) ?? run.Recipe;
        return new ComparedOutcome(
            run.Student ?? run.Recipe.Student, run.Method, run.Seed, state.Epochs, RunFolder.HitsIn(folder.FolderOf(run), state.Epochs[^1].Epoch), recipe, folder.CostOf(run));
    }

    // Half, three quarters and nine tenths of what the baseline comes to, in whole percent; none that guessing comes near.
    private static IReadOnlyList<double> AccuraciesOf(Comparison comparison, IReadOnlyList<ComparedOutcome> outcomes)
    {
        var final = outcomes.Where(outcome => outcome.Method == comparison.BaselineName && double.IsFinite(outcome.Top1)).Select(outcome => outcome.Top1).ToList();
        return final.Count == 0 ? [] : Accuracies(final.Average(), outcomes.Select(outcome => outcome.Cost?.Classes).FirstOrDefault(classes => classes is not null));
    }

    internal static IReadOnlyList<double> Accuracies(double baseline, int? classes)
    {
        var aboveGuessing = classes is > 1 and { } among ? Math.Ceiling(150.0 / among) : 1;
        return [.. Shares.Select(share => Math.Max(aboveGuessing, Math.Round(share * baseline))).Distinct()];
    }

    private static IReadOnlyList<ComparisonRow> Rows(Comparison comparison, IReadOnlyList<ComparedOutcome> outcomes, IReadOnlyList<double> accuracies)
    {
        // In the order of the comparison's file.
        var order = comparison.Runs().Select(run => (Student: run.Student ?? run.Recipe.Student, run.Method)).Distinct().ToList();
        var rows = order.Select(name => outcomes.Where(outcome => (outcome.Student, outcome.Method) == name).ToList()).Where(group => group.Count > 0)
            .Select(group => Row(group, [.. outcomes.Where(outcome => outcome.Student == group[0].Student && outcome.Method == comparison.BaselineName)], comparison, accuracies)).ToList();
        var compared = rows.Where(row => row.Difference?.Probability is not null).ToList();
        var holm = ComparisonStatistics.Holm([.. compared.Select(row => row.Difference!.Probability!.Value)]);
        return [.. rows.Select(row =>
        {
            var place = compared.IndexOf(row);
            double? adjusted = place < 0 ? null : holm[place];
            return row with { Holm = adjusted, Verdict = row.Difference is { } difference ? ComparisonStatistics.Verdict(difference, adjusted, compared.Count) : row.Verdict };
        })];
    }

    private static ComparisonRow Row(List<ComparedOutcome> group, List<ComparedOutcome> baseline, Comparison comparison, IReadOnlyList<double> accuracies)
    {
        var own = group[0].Method == comparison.BaselineName;
        var pairs = own ? [] : group.Select(one => (One: one, Other: baseline.FirstOrDefault(other => other.Seed == one.Seed))).Where(pair => pair.Other is not null).ToList();
        var images = PerImage([.. pairs.Select(pair => (pair.One.Hits, pair.Other!.Hits))]);
        (double Low, double High)? interval = images is null ? null : ComparisonStatistics.Bootstrap(images);
        var recipe = group[0].Recipe;
        return new ComparisonRow
        {
            Student = group[0].Student,
            Method = group[0].Method,
            Seeds = group.Count,
            Top1 = group.Average(outcome => outcome.Top1),
            Deviation = group.Count < 2 ? null : ComparisonStatistics.Deviation([.. group.Select(outcome => outcome.Top1)]),
            Difference = pairs.Count == 0 ? null : ComparisonStatistics.Paired([.. pairs.Select(pair => pair.One.Top1 - pair.Other!.Top1)]),
            ImagesLow = interval?.Low,
            ImagesHigh = interval?.High,
            Epochs = group.Max(outcome => outcome.Epochs.Count),
            Times = [.. accuracies.Select(accuracy => Time(group, accuracy))],
            Cost = group[0].Cost,
            Pairs = recipe.Align && recipe.StudentLayers is { } student && recipe.TeacherLayers is { } teacher ? [.. student.Zip(teacher)] : [],
            Verdict = own ? "the baseline" : "no seed in common with the baseline",
        };
    }

    // Of each image the mean difference over the seeds, in points; null unless all runs kept the same images.
    private static double[]? PerImage(IReadOnlyList<(IReadOnlyList<bool>? One, IReadOnlyList<bool>? Other)> pairs)
    {
        var count = pairs.Count == 0 ? null : pairs[0].One?.Count;
        return count is null || pairs.Any(pair => pair.One?.Count != count || pair.Other?.Count != count) ? null
            : [.. Enumerable.Range(0, count.Value).Select(image => 100 * pairs.Average(pair => (pair.One![image] ? 1.0 : 0.0) - (pair.Other![image] ? 1.0 : 0.0)))];
    }

    private static TimeToAccuracy Time(List<ComparedOutcome> group, double accuracy)
    {
        var epochs = group.Select(outcome => (Outcome: outcome, At: outcome.Epochs.FirstOrDefault(epoch => epoch.Top1 >= accuracy)?.Epoch + 1)).Where(entry => entry.At is not null).ToList();
        var all = epochs.Count == group.Count;
        return new TimeToAccuracy(
            accuracy, epochs.Count, all ? epochs.Average(entry => entry.At!.Value) : null, all ? epochs.Average(entry => entry.Outcome.SecondsAfter(entry.At!.Value)) : null);
    }

    private static List<string> Notes(Comparison comparison, IReadOnlyList<ComparedRun> runs, IReadOnlyList<ComparedOutcome> outcomes, IEnumerable<RunState> states)
    {
        var notes = ComparisonPairing.Notes(comparison, runs).ToList();
        var threads = states.Select(state => state.Threads).Distinct().Order().ToList();
        if (threads.Count > 1)
        {
            notes.Add($"the runs were made at {string.Join(" and ", threads)} torch threads: their last bits differ for that reason too");
        }

        if (comparison.Seeds.Count == 1)
        {
            notes.Add("one seed: there is no interval, and no difference can be told from chance");
        }

        if (outcomes.Any(outcome => !double.IsFinite(outcome.Top1)))
        {
            notes.Add("there are no validation images, so there is no accuracy to compare");
        }

        notes.Add("top-1 is the student's own after the last epoch; differences are paired by seed, with Student's 95 % interval over seeds (images_low, images_high: over test images, these students given)");
        return notes;
    }
}
