using System.Text.Json;

namespace SpectralKD.Distillation;

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
