using System.Text;

namespace SpectralKD.Distillation;

/// <summary>
/// Writes recipes as commands for the reference implementation (github.com/thy960112/SpectralKD, <c>main.py</c>), for runs that outgrow one machine.
/// Its <c>log.txt</c> reads back with <see cref="DistillationRun.Load"/>, its <c>checkpoint.pth</c> as weights of the student.
/// </summary>
public static class RunExport
{
    /// <summary>The command for PyTorch's launcher on one machine.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">GPUs and folders; null for two GPUs.</param>
    /// <exception cref="SpectralKDException">The recipe is not valid, or its step does not divide among the processes.</exception>
    public static ExportedCommand ToTorchrun(DistillationRecipe recipe, ExportOptions? options = null)
    {
        var settings = options ?? new ExportOptions();
        if (settings.Nodes > 1)
        {
            throw new SpectralKDException($"one command cannot start {settings.Nodes} machines; export to slurm");
        }

        var (arguments, notes) = Checked(recipe, settings);
        var text = arguments.Heading + Lines([$"torchrun --standalone --nproc_per_node={settings.GpusPerNode} main.py", .. arguments.Lines], "");
        return new ExportedCommand(text, notes.All, notes.Runs);
    }

    /// <summary>The batch script for Slurm, on one machine or several.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">Machines, GPUs and folders; null for one machine with two GPUs.</param>
    /// <exception cref="SpectralKDException">The recipe is not valid, or its step does not divide among the processes.</exception>
    public static ExportedCommand ToSlurm(DistillationRecipe recipe, ExportOptions? options = null)
    {
        var settings = options ?? new ExportOptions();
        var (arguments, notes) = Checked(recipe, settings);
        var launcher = "srun torchrun --nnodes=\"$SLURM_NNODES\" --nproc_per_node=" + settings.GpusPerNode
            + " --rdzv_id=\"$SLURM_JOB_ID\" --rdzv_backend=c10d --rdzv_endpoint=\"$head:29500\" main.py";
        var script = new StringBuilder()
            .Append("#!/bin/bash\n")
            .Append($"#SBATCH --job-name=spectralkd-{recipe.Student}\n")
            .Append($"#SBATCH --nodes={settings.Nodes}\n#SBATCH --ntasks-per-node=1\n#SBATCH --gpus-per-node={settings.GpusPerNode}\n")
            .Append($"#SBATCH --cpus-per-task={settings.GpusPerNode * settings.Workers}\n#SBATCH --time={settings.TimeLimit}\n")
            .Append("#SBATCH --output=%x-%j.out\nset -euo pipefail\n\n")
            .Append("# One launcher on each machine; they meet at the first one.\n")
            .Append("head=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)\n")
            .Append(arguments.Heading)
            .Append(Lines([launcher, .. arguments.Lines], ""));
        return new ExportedCommand(script.ToString(), notes.All, notes.Runs);
    }

    /// <summary>The YAML of torchdistill, for what it has: labels, KD, KD of standardised logits, DIST; the first lines say how to run it.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">GPUs and folders; null for two GPUs.</param>
    /// <exception cref="SpectralKDException">The recipe is not valid, or its step does not divide among the processes.</exception>
    public static ExportedCommand ToTorchdistill(DistillationRecipe recipe, ExportOptions? options = null)
    {
        var settings = options ?? new ExportOptions();
        if (settings.Nodes > 1)
        {
            throw new SpectralKDException($"the YAML is for one machine, not {settings.Nodes}");
        }

        Checked(recipe, settings);
        return new TorchdistillYaml(recipe, settings).Write();
    }

    /// <summary>The forms by the words of the command line.</summary>
    internal static readonly string[] Forms = ["torchrun", "slurm", "torchdistill"];

    /// <summary>One of <see cref="Forms"/>.</summary>
    internal static ExportedCommand To(string form, DistillationRecipe recipe, ExportOptions options) => form switch
    {
        "slurm" => ToSlurm(recipe, options),
        "torchdistill" => ToTorchdistill(recipe, options),
        _ => ToTorchrun(recipe, options),
    };

    private static (ReferenceArguments Arguments, ReferenceNotes Notes) Checked(DistillationRecipe recipe, ExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        RecipeRecord.RequireRepeatable(recipe);
        if (options.GpusPerNode < 1 || options.Nodes < 1)
        {
            throw new SpectralKDException($"{options.Nodes} machines with {options.GpusPerNode} GPUs each cannot train; both must be at least 1");
        }

        if (recipe.ImagesPerStep % options.Processes != 0)
        {
            throw new SpectralKDException(
                $"a step of {recipe.ImagesPerStep} images does not divide among {options.Processes} processes; change batch, or the number of GPUs");
        }

        var loss = ReferenceLoss.Of(recipe);
        return (new ReferenceArguments(loss, options), ReferenceNotes.Of(loss));
    }

    private static string Lines(IEnumerable<string> parts, string indent) => indent + string.Join(" \\\n    ", parts) + "\n";
}

/// <summary>What a command for several GPUs needs beside the recipe.</summary>
public sealed record ExportOptions
{
    /// <summary>GPUs of one machine, at least 1; one process each.</summary>
    public int GpusPerNode { get; init; } = 2;

    /// <summary>Machines, at least 1; more than one needs Slurm.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Folder with <c>train</c> and <c>val</c>; null takes it from the recipe.</summary>
    public string? DataPath { get; init; }

    /// <summary>Folder for <c>log.txt</c> and <c>checkpoint.pth</c>; null names one after the student.</summary>
    public string? OutputFolder { get; init; }

    /// <summary>Decoding processes for each GPU.</summary>
    public int Workers { get; init; } = 16;

    /// <summary>Slurm's time limit.</summary>
    public string TimeLimit { get; init; } = "48:00:00";

    internal int Processes => GpusPerNode * Nodes;
}

/// <summary>A recipe written as a command for the reference implementation on PyTorch.</summary>
/// <param name="Text">The command, or the batch script around it.</param>
/// <param name="Notes">What the reference does otherwise, or has no counterpart for, one sentence each.</param>
/// <param name="Runs">False where the reference cannot run it at all; the notes say why.</param>
public sealed record ExportedCommand(string Text, IReadOnlyList<string> Notes, bool Runs)
{
    /// <summary>Fails where it cannot run there: a text that looks like a command would be taken for one.</summary>
    internal void RequireRuns()
    {
        if (!Runs)
        {
            throw new SpectralKDException($"nothing was written, for the recipe cannot run there: {Notes[0]}{(Notes.Count > 1 ? $" (and {Notes.Count - 1} more notes)" : "")}");
        }
    }
}
