using System.Numerics.Tensors;

namespace SpectralKD.Spectra;

/// <summary>Running sums of one block's channel spectra, on the frequencies 0 .. C / 2.</summary>
internal sealed class ChannelAccumulator(int channels, int tokens)
{
    private readonly double[] _weights = HalfSpectrum.Weights(1, channels);
    private readonly double[] _magnitude = new double[(channels / 2) + 1];
    private readonly IntensityTally _images = new();

    /// <summary>Adds one image's sums over tokens.</summary>
    /// <returns>False, with nothing added, where they are not finite.</returns>
    internal bool TryAdd(ReadOnlySpan<double> magnitude)
    {
        var intensity = TensorPrimitives.Dot<double>(magnitude, _weights) / ((double)tokens * channels * channels);
        if (!double.IsFinite(intensity))
        {
            return false;
        }

        TensorPrimitives.Add(_magnitude, magnitude, _magnitude);
        _images.Add(intensity);
        return true;
    }

    internal ChannelSums ToSums()
    {
        var whole = new double[channels];
        for (var k = 0; k < channels; k++)
        {
            whole[k] = _magnitude[Math.Min(k, channels - k)];
        }

        return new ChannelSums { Magnitude = [.. whole], Intensities = _images.ToIntensities() };
    }
}
