namespace SpectralKD.Spectra;

/// <summary>A strategy with its numbers. Numbers that a strategy does not use are ignored.</summary>
public sealed record LayerSelection
{
    /// <summary>How layers are chosen.</summary>
    public LayerStrategy Strategy { get; init; } = LayerStrategy.Endpoints;

    /// <summary>Endpoints: number of first blocks. Null is the paper's 2, fewer for models of less than 8 blocks (a sixth of them).</summary>
    public int? First { get; init; }

    /// <summary>Endpoints: number of last blocks. Null is the paper's 6, fewer for models of less than 8 blocks (a half of them).</summary>
    public int? Last { get; init; }

    /// <summary>Top and even: number of pairs. Null is 8, or the shallower model's depth where that is less.</summary>
    public int? Count { get; init; }

    /// <summary>Threshold: part q of the teacher's largest intensity, in (0, 1].</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>Explicit: the student's blocks; negative ones count from the end.</summary>
    public IReadOnlyList<int>? Student { get; init; }

    /// <summary>Explicit: the teacher's blocks, as many as the student's, paired in order.</summary>
    public IReadOnlyList<int>? Teacher { get; init; }
}
