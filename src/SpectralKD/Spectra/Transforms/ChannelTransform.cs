using System.Numerics;
using System.Runtime.InteropServices;

namespace SpectralKD.Spectra;

/// <summary>
/// The Fourier transform of tokens over their channels, in float64, reduced on the spot to sums of magnitude. Two tokens are one complex signal, and
/// several pairs lie in the lanes of a vector, so no token's spectrum goes through memory. Not safe for use from several threads at once.
/// </summary>
internal sealed class ChannelTransform
{
    private static readonly int Lanes = Vector<double>.Count;
    private readonly int _channels;
    private readonly ComplexTransform _transform;
    private readonly Vector<double>[] _sums;

    /// <summary>Prepares for tokens of a number of channels, at least 1.</summary>
    internal ChannelTransform(int channels)
    {
        _channels = channels;
        _transform = new ComplexTransform(channels);
        _sums = new Vector<double>[(channels / 2) + 1];
    }

    /// <summary>Sums the unscaled magnitude over one image's tokens.</summary>
    /// <param name="image">C values for each token, token after token.</param>
    /// <param name="magnitude">Receives the sums at the frequencies 0 .. C / 2.</param>
    internal void Reduce(ReadOnlySpan<float> image, Span<double> magnitude)
    {
        Array.Clear(_sums);
        for (var first = 0; first < image.Length; first += 2 * Lanes * _channels)
        {
            var tokens = image.Slice(first, Math.Min(2 * Lanes * _channels, image.Length - first));
            Load(tokens[..Math.Min(Lanes * _channels, tokens.Length)], _transform.Real);
            Load(tokens[Math.Min(Lanes * _channels, tokens.Length)..], _transform.Imaginary);
            _transform.Run();
            AddMagnitudes();
        }

        for (var k = 0; k < _sums.Length; k++)
        {
            magnitude[k] = Vector.Sum(_sums[k]) / 2;
        }
    }

    /// <summary>Takes the next tokens, one a lane; lanes without a token stay zero, which adds nothing.</summary>
    private void Load(ReadOnlySpan<float> tokens, Span<Vector<double>> signal)
    {
        var values = MemoryMarshal.Cast<Vector<double>, double>(signal);
        var count = tokens.Length / _channels;
        for (var lane = 0; lane < Lanes; lane++)
        {
            if (lane >= count)
            {
                for (var channel = 0; channel < _channels; channel++)
                {
                    values[(channel * Lanes) + lane] = 0;
                }

                continue;
            }

            var token = tokens.Slice(lane * _channels, _channels);
            for (var channel = 0; channel < token.Length; channel++)
            {
                values[(channel * Lanes) + lane] = token[channel];
            }
        }
    }

    /// <summary>
    /// Adds twice the magnitudes. With Z = A + i B for real tokens a and b: 2 A(k) = Z(k) + conj Z(C - k), 2 i B(k) = Z(k) - conj Z(C - k).
    /// </summary>
    private void AddMagnitudes()
    {
        var real = _transform.Real;
        var imaginary = _transform.Imaginary;
        for (var k = 0; k < _sums.Length; k++)
        {
            var mirror = k == 0 ? 0 : _channels - k;
            var (sumReal, sumImaginary) = (real[k] + real[mirror], imaginary[k] - imaginary[mirror]);
            var (otherReal, otherImaginary) = (real[k] - real[mirror], imaginary[k] + imaginary[mirror]);
            _sums[k] += Vector.SquareRoot((sumReal * sumReal) + (sumImaginary * sumImaginary))
                + Vector.SquareRoot((otherReal * otherReal) + (otherImaginary * otherImaginary));
        }
    }
}
