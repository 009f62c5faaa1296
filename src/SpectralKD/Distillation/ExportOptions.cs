namespace SpectralKD.Distillation;

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
