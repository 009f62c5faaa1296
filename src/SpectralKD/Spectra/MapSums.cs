namespace SpectralKD.Spectra;

/// <summary>What one batch of one block's feature maps <c>[B, C, H, W]</c> comes down to: sums for each image, in float64.</summary>
internal sealed class MapSums
{
    /// <summary>Number B of images.</summary>
    internal required int Images { get; init; }

    /// <summary>Sum over channels of A, left half of the spectrum: B x (H * (W / 2 + 1)); empty without the spatial domain.</summary>
    internal double[] Amplitude { get; init; } = [];

    /// <summary>Sum over channels of A squared, laid out as <see cref="Amplitude"/>.</summary>
    internal double[] Power { get; init; } = [];

    /// <summary>Sum over tokens of the unscaled channel transform's magnitude: B x (C / 2 + 1); empty without the channel domain.</summary>
    internal double[] Channel { get; init; } = [];

    /// <summary>Smallest activation of each image; empty where not asked for.</summary>
    internal double[] Minimum { get; init; } = [];

    /// <summary>Largest activation of each image; empty where not asked for.</summary>
    internal double[] Maximum { get; init; } = [];

    /// <summary>Sum over tokens of the activation entropy, bits, of each image; empty where not asked for.</summary>
    internal double[] EntropyBits { get; init; } = [];

    /// <summary>One image's part of a list of B equal parts.</summary>
    internal ReadOnlySpan<double> Of(double[] values, int image)
    {
        var length = values.Length / Images;
        return values.AsSpan(image * length, length);
    }
}
