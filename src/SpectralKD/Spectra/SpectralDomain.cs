namespace SpectralKD.Spectra;

/// <summary>Along which axes of a feature map <c>[B, C, H, W]</c> the Fourier transform is taken.</summary>
[Flags]
public enum SpectralDomain
{
    /// <summary>No transform: only the activation entropy, where a range for it is given.</summary>
    None = 0,

    /// <summary>Two-dimensional transform over H and W, orthonormal (divided by <c>sqrt(H * W)</c>): spatial frequencies.</summary>
    Spatial = 1,

    /// <summary>Transform over the channels C, divided by C: what SpectralKD's released analysis computes.</summary>
    Channel = 2,

    /// <summary>Both transforms in one pass; figures that exist in both are the spatial ones.</summary>
    Both = Spatial | Channel,
}
