namespace SpectralKD.Spectra;

/// <summary>
/// Running sum of the activation entropy (SpectralKD's released analysis): Shannon entropy in bits of each token's C activations, counted
/// in 100 equal bins over a range common to all blocks.
/// </summary>
public sealed record EntropySums
{
    /// <summary>The bins' outer edges; values beyond them count in the first or last bin.</summary>
    public required ActivationRange Range { get; init; }

    /// <summary>Sum of the tokens' entropies, bits.</summary>
    public required double Bits { get; init; }

    /// <summary>Number of tokens summed: images * H * W.</summary>
    public required long Tokens { get; init; }

    internal EntropySums Plus(EntropySums other) => this with { Bits = Bits + other.Bits, Tokens = Tokens + other.Tokens };
}
