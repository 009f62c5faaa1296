using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SpectralKD.Spectra;

/// <summary>First and second moments of a block's tokens over all images, by sums that do not depend on the images' order: their mean, covariance and principal directions.</summary>
internal sealed class TokenMoments(int channels)
{
    private readonly ExactSums _products = new(channels * (channels + 1) / 2); // upper triangle of XᵀX, row by row
    private readonly ExactSums _sum = new(channels);

    /// <summary>The sums by the names under which they are stored.</summary>
    public IEnumerable<(string Name, ExactSums Sums)> Named => [("moments", _products), ("sum", _sum)];

    /// <summary>Adds the tokens of one image, float64 <c>[N, C]</c> on the CPU.</summary>
    public void Add(Tensor tokens)
    {
        var products = tokens.t().mm(tokens).contiguous().data<double>().ToArray(); // [C, C]
        for (var (row, at) = (0, 0); row < channels; row++)
        {
            for (var column = row; column < channels; column++)
            {
                _products.Add(at++, products[(row * channels) + column]);
            }
        }

        _sum.Add(tokens.sum([0L]).contiguous().data<double>().ToArray());
    }

    /// <summary>Adds the sums to a hash.</summary>
    public void HashTo(IncrementalHash hash)
    {
        hash.AppendData(MemoryMarshal.AsBytes(_products.Raw));
        hash.AppendData(MemoryMarshal.AsBytes(_sum.Raw));
    }

    /// <summary>The mean token, <c>[C]</c>.</summary>
    /// <param name="tokens">How many there were.</param>
    public Tensor Mean(double tokens) => tensor(_sum.ToArray()).Over(tokens);

    /// <summary>Eigenvalues of the second moments, or of the covariance, ascending <c>[C]</c>, and eigenvectors in columns <c>[C, C]</c>.</summary>
    /// <param name="tokens">How many there were.</param>
    /// <param name="centred">True for the covariance.</param>
    public (Tensor Values, Tensor Vectors) Eigen(double tokens, bool centred)
    {
        var (moments, mean) = (new double[channels, channels], _sum.ToArray());
        for (var (row, at) = (0, 0); row < channels; row++)
        {
            for (var column = row; column < channels; column++)
            {
                var value = (_products[at++] - (centred ? mean[row] * mean[column] / tokens : 0)) / tokens;
                (moments[row, column], moments[column, row]) = (value, value);
            }
        }

        return linalg.eigh(tensor(moments));
    }
}
