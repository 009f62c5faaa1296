using SpectralKD.Models;

namespace SpectralKD.Distillation;

/// <summary>
/// Where a run stands: everything but tensors that its continuation depends on. Random numbers need no state, for each step draws from its own
/// generator, addressed by (seed, epoch, step).
/// </summary>
internal sealed record RunState
{
    public int Version { get; init; } = 1;

    /// <summary>Number of the checkpoint, from 0.</summary>
    public int Serial { get; init; }

    /// <summary>The epoch in progress.</summary>
    public int Epoch { get; init; }

    /// <summary>Steps of that epoch that are done.</summary>
    public int Step { get; init; }

    /// <summary>Steps of the whole run that are done.</summary>
    public long TotalSteps { get; init; }

    /// <summary>Sums over the epoch's steps so far.</summary>
    public LossSums Sums { get; init; } = new();

    /// <summary>Finished epochs.</summary>
    public IReadOnlyList<EpochMetrics> Epochs { get; init; } = [];

    /// <summary>Epoch of <c>best.safetensors</c>; null before the first.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>Top-1 in percent of <c>best.safetensors</c>.</summary>
    public double? BestTop1 { get; init; }

    /// <summary>What was noticed on the way.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>torch's threads: at another number the last bits of sums differ.</summary>
    public int Threads { get; init; }

    /// <summary>SHA-256 of the teacher's weights; null without a teacher.</summary>
    public string? TeacherHash { get; init; }

    /// <summary>Where the student's first weights came from; null in runs of earlier versions.</summary>
    public ModelOrigin? StudentOrigin { get; init; }

    /// <summary>Where the teacher's weights came from; null without a teacher, and in runs of earlier versions.</summary>
    public ModelOrigin? TeacherOrigin { get; init; }

    /// <summary>What the training images were.</summary>
    public string DataName { get; init; } = "";

    /// <summary>Training batches of an epoch.</summary>
    public int BatchesPerEpoch { get; init; }

    /// <summary>The files that belong to this state, by kind: model, optimizer, average.</summary>
    public IReadOnlyDictionary<string, StoredFile> Files { get; init; } = new Dictionary<string, StoredFile>();

    /// <summary>True when all epochs are done.</summary>
    public bool Finished { get; init; }
}
