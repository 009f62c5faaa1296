namespace SpectralKD.Spectra;

/// <summary>How layers to align are chosen.</summary>
public enum LayerStrategy
{
    /// <summary>
    /// The first k and the last m blocks of both models (SpectralKD: 2 and 6), where the U-curve is high. Between hierarchical models, all stages.
    /// </summary>
    Endpoints,

    /// <summary>The teacher's n most intense blocks.</summary>
    Top,

    /// <summary>The teacher's blocks whose intensity is at least a part q of its largest.</summary>
    Threshold,

    /// <summary>n blocks of both models, evenly over depth, first and last included.</summary>
    Even,

    /// <summary>As many blocks as the shallower model has: each of its blocks has a partner.</summary>
    All,

    /// <summary>Stage by stage, for hierarchical models with equally many stages.</summary>
    Stages,

    /// <summary>The lists that were given.</summary>
    Explicit,
}
