using Microsoft.Data.Analysis;

namespace SpectralKD.Distillation;

/// <summary>A training run, finished or stopped: plain numbers, and the place of its weights.</summary>
public sealed record DistillationRun
{
    /// <summary>What the run was asked to do; null for a log without a recipe (the reference's).</summary>
    public DistillationRecipe? Recipe { get; init; }

    /// <summary>The run's folder, or the log's path; null where nothing was kept.</summary>
    public string? Folder { get; init; }

    /// <summary>A short name for tables and legends.</summary>
    public required string Name { get; init; }

    /// <summary>The finished epochs.</summary>
    public required IReadOnlyList<EpochMetrics> Epochs { get; init; }

    /// <summary>True if all epochs are done; false after a stop.</summary>
    public bool Finished { get; init; }

    /// <summary>Optimiser steps done.</summary>
    public long Steps { get; init; }

    /// <summary>What was noticed on the way.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Where the student's first weights came from; null where nobody recorded it.</summary>
    public ModelOrigin? StudentOrigin { get; init; }

    /// <summary>Where the teacher's weights came from; null without a teacher or a record.</summary>
    public ModelOrigin? TeacherOrigin { get; init; }

    /// <summary>The student's spectra: before the first step, then after each epoch. Empty where they were not tracked.</summary>
    public IReadOnlyList<ModelSpectrum> StudentSpectra { get; init; } = [];

    /// <summary>The teacher's spectra over the same probe images; null without one.</summary>
    public ModelSpectrum? TeacherSpectrum { get; init; }

    /// <summary>How much of the teacher this call read from its cache; null without one (<see cref="DistillationRecipe.CacheTeacher"/>).</summary>
    public TeacherCacheUse? TeacherCache { get; init; }

    /// <summary>The epoch with the highest validation top-1 of student or average; null without validation.</summary>
    public EpochMetrics? Best => Epochs.Where(metrics => metrics.Top1 is not null)
        .MaxBy(metrics => Math.Max(metrics.Top1!.Value, metrics.AverageTop1 ?? 0));

    /// <summary>File with the weights of the best epoch; null where there is none.</summary>
    public string? BestWeights => Folder is not null && File.Exists(Path.Combine(Folder, "best.safetensors"))
        ? Path.Combine(Folder, "best.safetensors") : null;

    /// <summary>Spectra before, after and of the teacher, with the distances per layer.</summary>
    /// <exception cref="SpectralKDException">The run did not track spectra, or had no teacher.</exception>
    public DistillationDynamics Dynamics() => StudentSpectra.Count > 0 && TeacherSpectrum is not null
        ? DistillationDynamics.Of(TeacherSpectrum, StudentSpectra)
        : throw new SpectralKDException($"{Name} has no spectra over training: set trackSpectra in the recipe, with a teacher");

    /// <summary>The epochs as a table under the log's names.</summary>
    public DataFrame ToDataFrame() => EpochLog.ToDataFrame(Epochs);

    /// <summary>Reads a run's folder, or a <c>log.txt</c> of this program or of the reference.</summary>
    /// <param name="path">The folder or the file.</param>
    /// <exception cref="SpectralKDException">There is nothing, or it is damaged.</exception>
    public static DistillationRun Load(string path) => RunReader.Load(path);
}

/// <summary>How much of a run's teacher came from its cache.</summary>
/// <param name="Folder">The cache's folder.</param>
/// <param name="Read">Images whose answers were read.</param>
/// <param name="Computed">Images that the teacher was run for.</param>
/// <param name="Damaged">Records that were found damaged, and computed anew.</param>
public sealed record TeacherCacheUse(string Folder, long Read, long Computed, int Damaged)
{
    /// <summary>In words: <c>of 40 images shown to the teacher 20 were read from its cache, 20 computed</c>.</summary>
    public string Words => FormattableString.Invariant($"of {Read + Computed:N0} images shown to the teacher {Read:N0} were read from its cache {Folder}, {Computed:N0} computed")
        + (Damaged == 0 ? "" : FormattableString.Invariant($", {Damaged:N0} of them because their records were damaged"));
}
