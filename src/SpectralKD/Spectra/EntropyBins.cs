namespace SpectralKD.Spectra;

/// <summary>The activation entropy by counting, token by token: torch's way through indices and a scatter costs a quarter of a forward pass.</summary>
internal sealed class EntropyBins
{
    private readonly double _minimum;
    private readonly double _scale;
    private readonly int _channels;
    private readonly double[] _terms;

    /// <summary>Prepares for tokens of a number of channels.</summary>
    /// <param name="range">Range of the bins; values beyond it count in the outer ones.</param>
    /// <param name="channels">Number of channels C.</param>
    internal EntropyBins(ActivationRange range, int channels)
    {
        (_minimum, _channels) = (range.Minimum, channels);
        _scale = TorchReduction.EntropyBins / Math.Max(range.Maximum - range.Minimum, double.Epsilon);
        _terms = [.. Enumerable.Range(0, channels + 1).Select(count => Term((double)count / channels))];
    }

    /// <summary>Sum of the tokens' entropies in bits.</summary>
    /// <param name="values">One image, C values after C values.</param>
    internal double Bits(ReadOnlySpan<float> values)
    {
        Span<int> counts = stackalloc int[TorchReduction.EntropyBins];
        var bits = 0.0;
        for (var first = 0; first < values.Length; first += _channels)
        {
            counts.Clear();
            foreach (var value in values.Slice(first, _channels))
            {
                counts[Bin((value - _minimum) * _scale)]++;
            }

            foreach (var count in counts)
            {
                bits += _terms[count];
            }
        }

        return bits;
    }

    // Not a number goes into the first bin; the analysis refuses it elsewhere.
    private static int Bin(double place)
        => place >= TorchReduction.EntropyBins - 1 ? TorchReduction.EntropyBins - 1 : place > 0 ? (int)place : 0;

    private static double Term(double share) => share > 0 ? -share * Math.Log2(share) : 0;
}
