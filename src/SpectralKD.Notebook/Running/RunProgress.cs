namespace SpectralKD.Notebook.Running;

/// <summary>What a run reports while it works.</summary>
/// <param name="Cell">1-based number among the cells to execute; 0 for a warning.</param>
/// <param name="Cells">How many cells are to be executed.</param>
/// <param name="Stage">What happened.</param>
/// <param name="Text">The cell's first line, the error, or the warning: one line.</param>
/// <param name="Elapsed">How long the cell has run.</param>
public sealed record RunProgress(int Cell, int Cells, RunStage Stage, string Text, TimeSpan Elapsed);

/// <summary>What a <see cref="RunProgress"/> tells.</summary>
public enum RunStage
{
    /// <summary>Something to know about the notebook or its parameters.</summary>
    Warning,

    /// <summary>The cell begins.</summary>
    Started,

    /// <summary>The cell succeeded and its outputs are saved.</summary>
    Completed,

    /// <summary>The cell failed; what ran so far is saved.</summary>
    Failed,

    /// <summary>The run was stopped in this cell; what ran so far is saved.</summary>
    Cancelled,
}
