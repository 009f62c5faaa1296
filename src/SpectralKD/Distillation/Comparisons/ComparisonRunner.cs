using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace SpectralKD.Distillation;

/// <summary>News of a comparison.</summary>
/// <param name="Run">The run that it is about: <c>soft/seed-0</c>; empty for the comparison as a whole.</param>
/// <param name="Done">Runs that are finished.</param>
/// <param name="Total">Runs in all.</param>
/// <param name="Training">The run's own news; null for a note.</param>
/// <param name="Note">A line for the user; null for none.</param>
public sealed record ComparisonProgress(string Run, int Done, int Total, TrainingProgress? Training = null, string? Note = null);

/// <summary>Trains a comparison's runs from wherever they stand.</summary>
internal sealed class ComparisonRunner(Comparison comparison, string path, IProgress<ComparisonProgress>? progress)
{
    private readonly ComparisonFolder _folder = new(path);
    private readonly Dictionary<string, string> _failures = [];
    private int _done;
    private int _total;

    public async Task<ComparisonResult> RunAsync(int jobs, CancellationToken stop)
    {
        comparison.Validate();
        if (jobs < 1)
        {
            throw new SpectralKDException($"{jobs} jobs train nothing; give at least 1");
        }

        var command = jobs > 1 ? OwnCommand() : [];
        using var taken = RunLock.Take(_folder.Root);
        var planned = comparison.Runs();
        _total = planned.Count;
        var runs = comparison.Budget is null ? planned : await BudgetedAsync(planned, stop).ConfigureAwait(false);
        _folder.Take(comparison, runs).ToList().ForEach(note => Say("", note));
        ComparisonPairing.Notes(comparison, runs).ToList().ForEach(note => Say("", note));
        var open = runs.Where(run => _folder.StateOf(run)?.Finished != true).ToList();
        _done = runs.Count - open.Count;
        if (_done > 0)
        {
            Say("", $"{_done} of {runs.Count} runs are finished already and are not repeated");
        }

        await MeasureAsync(runs, stop).ConfigureAwait(false);
        TellTime(open);
        if (!stop.IsCancellationRequested)
        {
            await (jobs == 1 ? InTurnAsync(open, stop) : InProcessesAsync(open, jobs, command, stop)).ConfigureAwait(false);
        }

        var result = ComparisonResult.Gather(_folder.Root) with { Failures = _failures };
        result.Save(_folder.Root);
        return result;
    }

    /// <summary>Trains one run of the comparison that a folder holds, or goes on with it: what a task of a list does.</summary>
    /// <param name="path">The comparison's folder.</param>
    /// <param name="name">The run's name, or its number from 1.</param>
    /// <param name="progress">Told of every step.</param>
    /// <param name="stop">Stops after the current step, with a checkpoint.</param>
    public static async Task<DistillationRun> RunOneAsync(string path, string name, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        var folder = new ComparisonFolder(path);
        var comparison = folder.Stored() ?? throw new SpectralKDException($"there is no comparison.json in '{path}': name the folder that spectralkd compare made");
        var planned = comparison.Runs();
        var run = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number >= 1 && number <= planned.Count ? planned[number - 1] : throw new SpectralKDException($"the comparison in '{path}' has runs 1 to {planned.Count}, and none {number}")
            : planned.FirstOrDefault(run => run.Name == name) ?? throw new SpectralKDException(
                $"the comparison in '{path}' has no run {name}{NearestName.Suggestion(name, planned.Select(run => run.Name))} ({planned.Count} runs, such as {planned[0].Name})");
        run = comparison.Budget is { } seconds ? Budgeted(run, folder.CostOf(run) ?? throw NoCost(path), seconds) : run;
        if (folder.CostOf(run) is null && run.Seed == comparison.Seeds[0])
        {
            folder.Keep(run, await StepMeter.MeasureAsync(run.Recipe, stop).ConfigureAwait(false));
        }

        return await TrainAsync(folder, comparison, run, progress, stop).ConfigureAwait(false);
    }

    /// <summary>Makes the folder for runs that others train: comparison.json alone.</summary>
    public IReadOnlyList<ComparedRun> Prepare()
    {
        comparison.Validate();
        if (comparison.Budget is not null)
        {
            throw new SpectralKDException("a budget of seconds is turned into epochs by measuring each method's steps on the machine that trains; for a list of tasks leave it out (equal epochs)");
        }

        var runs = comparison.Runs();
        _folder.Take(comparison, runs).ToList().ForEach(note => Say("", note));
        ComparisonPairing.Notes(comparison, runs).ToList().ForEach(note => Say("", note));
        return runs;
    }

    private static async Task<DistillationRun> TrainAsync(
        ComparisonFolder folder, Comparison comparison, ComparedRun run, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        var place = folder.FolderOf(run);
        var state = folder.StateOf(run);
        if (state is { Finished: true })
        {
            return DistillationRun.Load(place);
        }

        var recipe = run.Recipe with { CacheTeacher = ComparisonPairing.Caches(comparison, run.Recipe) ? folder.Teacher : null };
        using var job = await DistillationJob.PrepareAsync(recipe, cancellation: stop).ConfigureAwait(false);
        return await job.RunAsync(place, state is not null, progress, stop).ConfigureAwait(false);
    }

    private static ComparedRun Budgeted(ComparedRun run, StepCost cost, double seconds) =>
        run with { Recipe = run.Recipe with { Epochs = Math.Max(1, (int)Math.Min(100_000, seconds / (cost.Seconds * cost.StepsPerEpoch))) } };

    private async Task<IReadOnlyList<ComparedRun>> BudgetedAsync(IReadOnlyList<ComparedRun> runs, CancellationToken stop)
    {
        await MeasureAsync(runs, stop).ConfigureAwait(false);
        IReadOnlyList<ComparedRun> budgeted = [.. runs.Select(run => Budgeted(run, _folder.CostOf(run) ?? throw new OperationCanceledException(stop), comparison.Budget!.Value))];
        Say("", $"epochs in {Durations.Text(comparison.Budget!.Value)} of training, teacher included: "
            + string.Join(", ", budgeted.DistinctBy(run => run.Group).Select(run => $"{run.Group} {run.Recipe.Epochs}")));
        return budgeted;
    }

    // Each method trains a few steps first: what it costs is known, and what cannot run is said before hours are spent on the others.
    private async Task MeasureAsync(IReadOnlyList<ComparedRun> runs, CancellationToken stop)
    {
        foreach (var run in runs.DistinctBy(run => run.Group).Where(run => _folder.CostOf(run)?.Recipe != StepMeter.KeyOf(run.Recipe)))
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }

            try
            {
                _folder.Keep(run, await StepMeter.MeasureAsync(run.Recipe, stop).ConfigureAwait(false));
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (SpectralKDException error)
            {
                throw new SpectralKDException($"{run.Group} cannot be trained: {error.Message}", error);
            }
        }
    }

    private void TellTime(List<ComparedRun> open)
    {
        var seconds = open.Sum(run => _folder.CostOf(run) is { } cost ? run.Recipe.Epochs * cost.Seconds * cost.StepsPerEpoch : 0);
        if (open.Count > 0 && seconds > 0)
        {
            var caches = open.Any(run => ComparisonPairing.Caches(comparison, run.Recipe));
            Say("", $"{open.Count} runs to train take about {Durations.Text(seconds)} one after the other, validation not counted"
                + (caches ? "; less where the teacher's answers are read back: they are kept in " + _folder.Teacher : ""));
        }
    }

    private async Task InTurnAsync(List<ComparedRun> open, CancellationToken stop)
    {
        foreach (var run in open)
        {
            try
            {
                var listener = new RunListener(news => progress?.Report(new ComparisonProgress(run.Name, _done, _total, news)));
                if (!(await TrainAsync(_folder, comparison, run, listener, stop).ConfigureAwait(false)).Finished)
                {
                    return;
                }

                Say(run.Name, null, done: 1);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (SpectralKDException error)
            {
                Fail(run, error.Message);
            }
        }
    }

    private async Task InProcessesAsync(List<ComparedRun> open, int jobs, IReadOnlyList<string> command, CancellationToken stop)
    {
        using var places = new SemaphoreSlim(jobs);
        await Task.WhenAll(open.Select(async run =>
        {
            await places.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                if (!stop.IsCancellationRequested)
                {
                    await InProcessAsync(run, jobs, command, stop).ConfigureAwait(false);
                }
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
    }

    private async Task InProcessAsync(ComparedRun run, int jobs, IReadOnlyList<string> command, CancellationToken stop)
    {
        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), "compare", "run", _folder.Root, run.Name]) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment.TryAdd("OMP_NUM_THREADS", Math.Max(1, Environment.ProcessorCount / jobs).ToString(CultureInfo.InvariantCulture));
        using var process = Process.Start(start) ?? throw new SpectralKDException($"{command[0]} cannot be started");
        process.StandardInput.Close();
        var last = "";
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                last = text;
                Say(run.Name, text);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using (stop.Register(() => ProcessStop.Ask(process)))
        {
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        if (process.ExitCode == 0)
        {
            Say(run.Name, null, done: 1);
        }
        else if (!stop.IsCancellationRequested)
        {
            Fail(run, last.Length > 0 ? last : $"its process ended with {process.ExitCode}");
        }
    }

    private void Fail(ComparedRun run, string why)
    {
        lock (_failures)
        {
            _failures[run.Name] = why;
        }

        Say(run.Name, $"failed and is left out: {why}");
    }

    private void Say(string run, string? note, int done = 0) => progress?.Report(new ComparisonProgress(run, Interlocked.Add(ref _done, done), _total, Note: note));

    private static SpectralKDException NoCost(string path) => new($"the comparison in '{path}' has a budget of seconds, and the step was not measured yet: run spectralkd compare on it");

    // The command that this process is: as an application of its own, or as a dll that dotnet runs.
    private static IReadOnlyList<string> OwnCommand()
    {
        var entry = Assembly.GetEntryAssembly();
        if (entry?.GetName().Name != "SpectralKD.Cli" || Environment.ProcessPath is not { } program)
        {
            throw new SpectralKDException("several jobs are processes of the command spectralkd, and this program is another; train one after the other (jobs 1), or call spectralkd compare --jobs");
        }

        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? [program, entry.Location] : [program];
    }

    private sealed class RunListener(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }
}

/// <summary>What the runs of a comparison share, and what they do not.</summary>
internal static class ComparisonPairing
{
    private static readonly string[] Shared = ["data.", "batch", "accumulate", "studentWeights", "imageSize", "classes", "student"];

    /// <summary>True where a run's teacher is read from the comparison's folder.</summary>
    public static bool Caches(Comparison comparison, DistillationRecipe recipe) =>
        recipe.HasTeacher
        && (comparison.CacheTeacher ?? (recipe.Data.Mixing is null && (recipe.Data.Augmentation == "none" || recipe.Data.Views is not null)));

    /// <summary>Where methods of one student differ in more than the method, one line each.</summary>
    public static IReadOnlyList<string> Notes(Comparison comparison, IReadOnlyList<ComparedRun> runs)
    {
        var notes = new List<string>();
        foreach (var student in runs.Where(run => run.Seed == comparison.Seeds[0]).GroupBy(run => run.Student))
        {
            var baseline = student.First(run => run.Method == comparison.BaselineName);
            foreach (var run in student)
            {
                var differences = RecipeFile.Differences(baseline.Recipe, run.Recipe);
                var images = differences.Where(words => Shared.Any(key => words.StartsWith(key + (key.EndsWith('.') ? "" : " "), StringComparison.Ordinal))).ToList();
                var epochs = comparison.Budget is null ? differences.FirstOrDefault(words => words.StartsWith("epochs ", StringComparison.Ordinal)) : null;
                notes.AddRange(images.Count == 0 ? [] : [$"{run.Group} differs from {baseline.Method} in {string.Join(", ", images)}: its pairs share the seed, not all of weights and images"]);
                notes.AddRange(epochs is null ? [] : [$"{run.Group} trains for another time than {baseline.Method}: {epochs}"]);
            }
        }

        return notes;
    }
}

/// <summary>Asks a process to end in order.</summary>
internal static class ProcessStop
{
    private const int Terminate = 15; // SIGTERM

    /// <summary>SIGTERM, which leaves a checkpoint; on Windows, which has none, the process is ended and goes on from its last checkpoint.</summary>
    public static void Ask(Process process)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                process.Kill();
            }
            else if (!process.HasExited)
            {
                _ = Signal(process.Id, Terminate);
            }
        }
        catch (InvalidOperationException)
        {
            // It has just ended.
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
