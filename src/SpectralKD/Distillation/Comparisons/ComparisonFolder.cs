using System.Text;
using System.Text.Json;

namespace SpectralKD.Distillation;

/// <summary>
/// The folder of a comparison: <c>comparison.json</c>, <c>runs/STUDENT/METHOD/seed-N</c> (ordinary run folders), <c>costs</c>, <c>teacher</c> (the teacher's answers), and what
/// was gathered: <c>summary.csv</c>, <c>runs.csv</c>.
/// </summary>
internal sealed class ComparisonFolder(string path)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true, TypeInfoResolver = JsonNulls.Refusing };

    public string Root { get; } = Path.GetFullPath(path);

    public string File => Path.Combine(Root, "comparison.json");

    public string Teacher => Path.Combine(Root, "teacher");

    public string FolderOf(ComparedRun run) => Path.Combine([Root, "runs", .. run.Name.Split('/')]);

    /// <summary>Where a run stands; null where it has not begun.</summary>
    public RunState? StateOf(ComparedRun run)
    {
        var checkpoint = new Checkpoint(Path.Combine(FolderOf(run), "checkpoint"));
        return checkpoint.Exists ? checkpoint.Read() : null;
    }

    /// <summary>The comparison that the folder holds; null where there is none.</summary>
    public Comparison? Stored() => System.IO.File.Exists(File) ? Comparison.Load(File) : null;

    /// <summary>The cost of a method's step as it was measured; null where it was not.</summary>
    public StepCost? CostOf(ComparedRun run)
    {
        try
        {
            return System.IO.File.Exists(CostFile(run)) ? JsonSerializer.Deserialize<StepCost>(System.IO.File.ReadAllText(CostFile(run)), Json) : null;
        }
        catch (JsonException error)
        {
            throw new SpectralKDException($"'{CostFile(run)}' is damaged; remove it, and the cost is measured anew", error);
        }
    }

    public void Keep(ComparedRun run, StepCost cost) => AtomicFile.WriteText(CostFile(run), JsonSerializer.Serialize(cost, Json) + "\n");

    /// <summary>Writes the comparison down, after a look at what the folder holds already.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <param name="runs">Its runs, as they will be trained.</param>
    /// <returns>What has changed and does no harm, one line each.</returns>
    /// <exception cref="SpectralKDException">A run that has begun would be another one now.</exception>
    public IReadOnlyList<string> Take(Comparison comparison, IReadOnlyList<ComparedRun> runs)
    {
        var notes = new List<string>();
        if (Stored() is { } before && before.ToJson() != comparison.ToJson())
        {
            RefuseOtherRuns(runs);
            var (was, now) = (before.Runs().Select(run => run.Name).ToList(), comparison.Runs().Select(run => run.Name).ToList());
            Say(now.Except(was).ToList(), "more than before", "will be trained");
            Say(was.Except(now).ToList(), "fewer than before", "stay in the folder and are left out of the table");
            notes.Add($"the comparison in {Root} has changed since it was last run; no run that has begun is touched by it");
        }

        AtomicFile.WriteText(File, comparison.ToJson());
        return notes;

        void Say(List<string> names, string what, string then)
        {
            if (names.Count > 0)
            {
                notes.Add($"{names.Count} runs {what} ({string.Join(", ", names.Take(4))}{(names.Count > 4 ? ", …" : "")}): they {then}");
            }
        }
    }

    private void RefuseOtherRuns(IReadOnlyList<ComparedRun> runs)
    {
        var changed = runs.Select(run => (Run: run, Differences: StateOf(run) is null || RunFolder.RecipeIn(FolderOf(run)) is not { } begun ? []
            : RecipeFile.Differences(begun, WrittenOut(run.Recipe) with { CacheTeacher = begun.CacheTeacher, Note = begun.Note, Data = run.Recipe.Data with { ImageCache = begun.Data.ImageCache } })))
            .Where(entry => entry.Differences.Count > 0).ToList();
        if (changed.Count > 0)
        {
            var (run, differences) = changed[0];
            throw new SpectralKDException($"{changed.Count} of the runs in '{Root}' were begun with another comparison ({run.Name}: {string.Join(", ", differences)}); "
                + $"take another folder, give the changed methods other names, or remove {Path.GetDirectoryName(FolderOf(run))} to train them anew");
        }
    }

    // As a run's recipe.json has it.
    private static DistillationRecipe WrittenOut(DistillationRecipe recipe) =>
        recipe.Losses is { } losses ? recipe with { Losses = LossTerm.Complete(losses, ModelCatalog.Find(recipe.Student).Spec.AlignmentWeight) } : recipe;

    private string CostFile(ComparedRun run) => Path.Combine([Root, "costs", .. run.Group.Split('/')]) + ".json";
}

/// <summary>What a method's training step costs, measured for a few steps before its runs, the teacher asked anew in each.</summary>
public sealed record StepCost
{
    /// <summary>Seconds of one step, reading its images included: the fastest of three short stretches.</summary>
    public required double Seconds { get; init; }

    /// <summary>Seconds of processor time of one step, all threads together.</summary>
    public double ProcessorSeconds { get; init; }

    /// <summary>Largest memory of the process meanwhile in bytes, models and torch itself included; null where the system does not tell.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Classes among which the student chooses; null where an older version measured.</summary>
    public int? Classes { get; init; }

    /// <summary>torch's threads.</summary>
    public int Threads { get; init; }

    /// <summary>Hash of the recipe that was measured, seed and epochs aside.</summary>
    public string Recipe { get; init; } = "";
}

/// <summary>Measures the cost of a recipe's step.</summary>
internal static class StepMeter
{
    private const int Stretches = 3;

    /// <summary>Trains a few steps in memory alone.</summary>
    public static async Task<StepCost> MeasureAsync(DistillationRecipe recipe, CancellationToken stop)
    {
        using var job = await DistillationJob.PrepareAsync(recipe with { CacheTeacher = null, TrackSpectra = false }, cancellation: stop).ConfigureAwait(false);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        // A GPU is waited for in every tenth step only.
        var watch = new StepWatch(job.Student.AnyWeight.device_type == TorchSharp.DeviceType.CPU ? 2 : 10, Stretches, enough.Cancel);
        await job.RunAsync(null, false, watch, enough.Token).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        return watch.Cost(get_num_threads()) with { Recipe = KeyOf(recipe), Classes = job.Student.Spec.Classes };
    }

    /// <summary>Equal for recipes whose steps cost the same.</summary>
    public static string KeyOf(DistillationRecipe recipe) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
        System.Text.Encoding.UTF8.GetBytes((recipe with { Seed = 0, Epochs = 1, Note = null, CacheTeacher = null }).ToJson())), 0, 8).ToLowerInvariant();

    private sealed class StepWatch(int stretch, int stretches, Action enough) : IProgress<TrainingProgress>
    {
        private readonly System.Diagnostics.Stopwatch _clock = new();
        private readonly List<(double Seconds, double Processor)> _marks = [];
        private int _steps;
        private int _perEpoch;
        private double _slowest;

        public void Report(TrainingProgress value)
        {
            _perEpoch = value.StepsPerEpoch;
            if (value.Phase != TrainingPhase.Training)
            {
                return;
            }

            if (_steps++ == 0)
            {
                _clock.Start();
                return;
            }

            _slowest = _clock.Elapsed.TotalSeconds / (_steps - 1);
            if (_steps == 1 + stretch)
            {
                PeakMemory.Reset();
            }

            if ((_steps - 1) % stretch == 0)
            {
                _marks.Add((_clock.Elapsed.TotalSeconds, System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds));
                if (_marks.Count > stretches || _clock.Elapsed.TotalSeconds > 120)
                {
                    enough();
                }
            }
        }

        public StepCost Cost(int threads)
        {
            var spans = _marks.Zip(_marks.Skip(1), (from, to) => (Seconds: (to.Seconds - from.Seconds) / stretch, Processor: (to.Processor - from.Processor) / stretch)).ToList();
            return new StepCost
            {
                Seconds = spans.Count == 0 ? _slowest : spans.Min(span => span.Seconds),
                ProcessorSeconds = spans.Count == 0 ? 0 : spans.Min(span => span.Processor),
                PeakBytes = PeakMemory.Bytes(),
                StepsPerEpoch = _perEpoch,
                Threads = threads,
            };
        }
    }
}

/// <summary>The largest memory of this process since it was last asked to begin anew (Linux alone: proc(5), VmHWM and clear_refs).</summary>
internal static class PeakMemory
{
    public static void Reset()
    {
        try
        {
            GC.Collect(); // what earlier runs left
            GC.WaitForPendingFinalizers();
            GC.Collect();
            NativeHeap.GiveBack();
            if (OperatingSystem.IsLinux())
            {
                System.IO.File.WriteAllText("/proc/self/clear_refs", "5");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A system that forbids it: the process's own peak is what there is.
        }
    }

    public static long? Bytes()
    {
        try
        {
            return OperatingSystem.IsLinux() && System.IO.File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line
                ? 1024 * long.Parse(line["VmHWM:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), System.Globalization.CultureInfo.InvariantCulture) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}

/// <summary>Writes a comparison's runs out, for other machines to train: a list of commands, or a Slurm array. Their folder is gathered again afterwards.</summary>
internal static class ComparisonScripts
{
    /// <summary>One command a line, in any order, at any time, several at once; each goes on where it was stopped.</summary>
    public static string Commands(IReadOnlyList<ComparedRun> runs, string folder) =>
        string.Concat(runs.Select(run => $"spectralkd compare run {Quoted(folder)} {run.Name}\n"));

    /// <summary>A batch script with one task for each run.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="folder">The comparison's folder, seen by all machines.</param>
    /// <param name="jobs">Tasks at the same time; null for as many as the cluster gives.</param>
    /// <param name="gpus">GPUs of a task, 0 or 1.</param>
    /// <param name="limit">Slurm's time limit of a task.</param>
    public static string Slurm(IReadOnlyList<ComparedRun> runs, string folder, int? jobs, int gpus, string limit)
    {
        var script = new StringBuilder()
            .Append("#!/bin/bash\n")
            .Append("#SBATCH --job-name=spectralkd-compare\n")
            .Append($"#SBATCH --array=1-{runs.Count}{(jobs is { } most ? $"%{most}" : "")}\n");
        if (gpus > 0)
        {
            script.Append($"#SBATCH --gpus-per-task={gpus}\n");
        }

        return script.Append("#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=8\n")
            .Append($"#SBATCH --time={limit}\n")
            .Append("#SBATCH --signal=TERM@120\n#SBATCH --output=%x-%A_%a.out\nset -euo pipefail\n\n")
            .Append("# Task N trains run N of comparison.json, or goes on with it; submit the script again for what is not finished.\n")
            .Append($"# Afterwards: spectralkd compare gather {Quoted(folder)}\n")
            .Append($"cd {Quoted(Directory.GetCurrentDirectory())}\n")
            .Append($"exec spectralkd compare run {Quoted(folder)} \"$SLURM_ARRAY_TASK_ID\"\n").ToString();
    }

    private static string Quoted(string path) =>
        path.Length > 0 && path.All(letter => char.IsLetterOrDigit(letter) || "/._-+=:@".Contains(letter, StringComparison.Ordinal)) ? path : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
