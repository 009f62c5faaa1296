namespace SpectralKD.Distillation;

/// <summary>In which numbers a student is trained.</summary>
public enum TrainingPrecision
{
    /// <summary>float32 everywhere, without TensorFloat-32.</summary>
    Float32,

    /// <summary>float32, with TensorFloat-32 in matrix products on CUDA (10 bits of mantissa); on the CPU the same as <see cref="Float32"/>.</summary>
    Tf32,

    /// <summary>The model in bfloat16 with float32 master weights, moments and losses.</summary>
    Bf16,
}
