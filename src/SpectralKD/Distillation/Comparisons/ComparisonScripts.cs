using System.Text;

namespace SpectralKD.Distillation;

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
