using System.Runtime.InteropServices;

namespace SpectralKD.Spectra;

/// <summary>
/// Sums of doubles that do not depend on their order, so that parts of a data set add up to the same bytes as one run: each value counts in whole multiples of 2^-64,
/// and 128 bits hold the sums (up to 9e18).
/// </summary>
internal sealed class ExactSums(int length)
{
    private const double Limit = 1L << 53; // beyond it doubles are whole, and a thousand of them would fill the sum
    private readonly Int128[] _values = new Int128[length];

    /// <summary>Adds a value to each sum.</summary>
    /// <exception cref="SpectralKDException">A value is not finite or beyond 9e15, or a sum beyond 9e18.</exception>
    internal void Add(ReadOnlySpan<double> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Add(i, values[i]);
        }
    }

    /// <summary>Adds a value to one sum.</summary>
    internal void Add(int index, double value)
    {
        var size = Math.Abs(value);
        if (!(size < Limit))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"a figure's sum got {value:G3}, which is beyond {Limit:G2} or no number: check the model's weights and precision"));
        }

        var whole = (ulong)size;
        var part = new Int128(whole, (ulong)((size - whole) * 18446744073709551616.0)); // times 2^64
        _values[index] = checked(_values[index] + (value < 0 ? -part : part));
    }

    /// <summary>Adds other sums.</summary>
    internal void Add(ExactSums other)
    {
        for (var i = 0; i < _values.Length; i++)
        {
            _values[i] = checked(_values[i] + other._values[i]);
        }
    }

    /// <summary>A sum as the nearest double.</summary>
    internal double this[int index] => Math.ScaleB((double)_values[index], -64);

    /// <summary>The sums as they are stored: two whole numbers each, the lower half first.</summary>
    internal Span<long> Raw => MemoryMarshal.Cast<Int128, long>(_values.AsSpan());

    /// <summary>All sums as doubles.</summary>
    internal double[] ToArray() => [.. Enumerable.Range(0, _values.Length).Select(i => this[i])];
}
