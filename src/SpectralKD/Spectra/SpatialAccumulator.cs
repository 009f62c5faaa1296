using System.Numerics.Tensors;

namespace SpectralKD.Spectra;

/// <summary>Running sums of one block's spatial spectra, on the left half of the spectrum.</summary>
internal sealed class SpatialAccumulator(int channels, int height, int width)
{
    private readonly double[] _weights = HalfSpectrum.Weights(height, width);
    private readonly double[] _amplitude = new double[height * ((width / 2) + 1)];
    private readonly double[] _power = new double[height * ((width / 2) + 1)];
    private readonly IntensityTally _images = new();

    /// <summary>Adds one image's sums over channels.</summary>
    /// <returns>False, with nothing added, where they are not finite.</returns>
    internal bool TryAdd(ReadOnlySpan<double> amplitude, ReadOnlySpan<double> power)
    {
        var intensity = TensorPrimitives.Dot<double>(amplitude, _weights) / ((double)channels * height * width);
        if (!double.IsFinite(intensity) || !double.IsFinite(TensorPrimitives.Sum(power)))
        {
            return false;
        }

        TensorPrimitives.Add(_amplitude, amplitude, _amplitude);
        TensorPrimitives.Add(_power, power, _power);
        _images.Add(intensity);
        return true;
    }

    internal SpatialSums ToSums() => new()
    {
        Amplitude = [.. SpectralLayout.ShiftedFromHalf(_amplitude, height, width)],
        Power = [.. SpectralLayout.ShiftedFromHalf(_power, height, width)],
        Intensities = _images.ToIntensities(),
    };
}
