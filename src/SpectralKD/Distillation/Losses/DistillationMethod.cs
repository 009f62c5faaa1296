namespace SpectralKD.Distillation;

/// <summary>What a student learns from, named as the reference's <c>--distillation-type</c>.</summary>
public enum DistillationMethod
{
    /// <summary>Labels alone; no teacher.</summary>
    None,

    /// <summary>Labels and aligned feature maps; the teacher's logits are not used.</summary>
    Fft,

    /// <summary>Labels, the teacher's softened logits, and aligned feature maps where layers are given.</summary>
    Soft,

    /// <summary>Labels, the teacher's decisions, and aligned feature maps where layers are given.</summary>
    Hard,
}
