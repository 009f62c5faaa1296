namespace SpectralKD.Notebook.Running;

/// <summary>How a notebook is executed unattended.</summary>
public sealed record RunOptions
{
    /// <summary>Where the executed notebook and its HTML page go; null: <c>executed</c> beside the notebook.</summary>
    public string? OutputFolder { get; init; }

    /// <summary>Values for the notebook's parameters, as papermill takes them.</summary>
    public IReadOnlyList<NotebookParameter> Parameters { get; init; } = [];

    /// <summary>The current directory while cells run; null: unchanged, as papermill leaves it.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// How long the cell that runs at a stop may take to end, which for a training means to end its step and to write a checkpoint, before the run
    /// ends without it.
    /// </summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>True: cells in languages that do not run here (F#, SQL, …) are passed over with a note; the session is to be set up likewise.</summary>
    public bool SkipUnknown { get; init; }

    /// <summary>False: no HTML page.</summary>
    public bool WriteHtml { get; init; } = true;

    /// <summary>
    /// True: scripts and the like in the notebook's text go into the HTML page, and images that it names from anywhere on the disk. What the
    /// executed cells show is live in either case.
    /// </summary>
    public bool TrustText { get; init; }
}
