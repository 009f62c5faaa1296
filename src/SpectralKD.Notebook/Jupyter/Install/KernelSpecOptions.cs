namespace SpectralKD.Notebook.Jupyter.Install;

/// <summary>How and where a kernelspec is installed.</summary>
public sealed record KernelSpecOptions
{
    /// <summary>
    /// The name by which notebooks ask for the kernel. <c>.net-csharp</c> takes the place of .NET Interactive's C# kernel.
    /// </summary>
    public string Name { get; init; } = "spectralkd";

    /// <summary>What users read in the list of kernels.</summary>
    public string DisplayName { get; init; } = "C# (SpectralKD)";

    /// <summary>An installation prefix (the kernelspec goes to <c>PREFIX/share/jupyter</c>); null: the user's own folder.</summary>
    public string? Prefix { get; init; }

    /// <summary>True: the kernel passes over cells in languages that do not run in it (F#, SQL, …) with a note.</summary>
    public bool SkipUnknown { get; init; }

    /// <summary>
    /// Program and arguments that start the kernel, with <c>{connection_file}</c> in its place; null: this program with
    /// <c>jupyter start {connection_file}</c>, and <c>--skip-unknown</c> where that is wanted.
    /// </summary>
    public IReadOnlyList<string>? Command { get; init; }
}
