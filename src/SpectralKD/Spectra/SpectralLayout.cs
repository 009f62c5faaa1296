using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Numerics.Tensors;

namespace SpectralKD.Spectra;

/// <summary>Where frequencies lie in an H x W spectrum, and how its cells fall into rings of equal radius.</summary>
internal sealed class SpectralLayout
{
    private static readonly ConcurrentDictionary<(int Height, int Width), SpectralLayout> Known = new();
    private readonly int[] _rings;

    private SpectralLayout(int height, int width)
    {
        Height = height;
        Width = width;
        Threshold = 0.5 * (Math.Min(height, width) / 2);
        _rings = new int[height * width];
        for (var cell = 0; cell < _rings.Length; cell++)
        {
            _rings[cell] = (int)Math.Floor(Radius(cell) + 0.5);
        }

        Counts = CountRings();
    }

    /// <summary>Rows of the spectrum.</summary>
    internal int Height { get; }

    /// <summary>Columns of the spectrum.</summary>
    internal int Width { get; }

    /// <summary>Radius above which a frequency counts as high: half of the smaller axis' Nyquist frequency.</summary>
    internal double Threshold { get; }

    /// <summary>Number of cells in each ring, ring 0 (zero frequency) first.</summary>
    internal ImmutableArray<int> Counts { get; }

    /// <summary>The layout of an H x W spectrum.</summary>
    internal static SpectralLayout Of(int height, int width)
        => Known.GetOrAdd((height, width), size => new SpectralLayout(size.Height, size.Width));

    /// <summary>Distance of a fftshifted, row-major cell from zero frequency at <c>[H / 2][W / 2]</c>, in cycles per map.</summary>
    internal double Radius(int cell)
    {
        var row = (cell / Width) - (Height / 2);
        var column = (cell % Width) - (Width / 2);
        return Math.Sqrt((row * row) + (column * column));
    }

    /// <summary>Mean of a map's cells over each ring; ring r holds the radii from r - 0.5 up to r + 0.5.</summary>
    internal ImmutableArray<double> RingMeans(ImmutableArray<double> map)
    {
        var means = new double[Counts.Length];
        for (var cell = 0; cell < _rings.Length; cell++)
        {
            means[_rings[cell]] += map[cell];
        }

        for (var ring = 0; ring < means.Length; ring++)
        {
            means[ring] /= Counts[ring];
        }

        return [.. means];
    }

    /// <summary>Share of a map's total that lies beyond the threshold radius, in [0, 1]; 0 where the total is 0.</summary>
    internal double ShareBeyondThreshold(ImmutableArray<double> map)
    {
        double beyond = 0;
        for (var cell = 0; cell < map.Length; cell++)
        {
            beyond += Radius(cell) > Threshold ? map[cell] : 0;
        }

        var total = map.Total();
        return total == 0 ? 0 : beyond / total;
    }

    /// <summary>
    /// Completes the left half of a real signal's spectrum (H x (W / 2 + 1), zero frequency first) by its point symmetry and moves
    /// zero frequency to <c>[H / 2][W / 2]</c>.
    /// </summary>
    internal static double[] ShiftedFromHalf(ReadOnlySpan<double> half, int height, int width)
    {
        var halfWidth = (width / 2) + 1;
        var full = new double[height * width];
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                var mirrored = column >= halfWidth;
                var sourceRow = mirrored ? (height - row) % height : row;
                var sourceColumn = mirrored ? width - column : column;
                var target = ((row + (height / 2)) % height * width) + ((column + (width / 2)) % width);
                full[target] = half[(sourceRow * halfWidth) + sourceColumn];
            }
        }

        return full;
    }

    /// <summary>The left half that <see cref="ShiftedFromHalf"/> made a spectrum of.</summary>
    internal static double[] HalfOf(ReadOnlySpan<double> full, int height, int width)
    {
        var halfWidth = (width / 2) + 1;
        var half = new double[height * halfWidth];
        for (var cell = 0; cell < half.Length; cell++)
        {
            var (row, column) = (cell / halfWidth, cell % halfWidth);
            half[cell] = full[((row + (height / 2)) % height * width) + ((column + (width / 2)) % width)];
        }

        return half;
    }

    private ImmutableArray<int> CountRings()
    {
        var counts = new int[_rings.Max() + 1];
        foreach (var ring in _rings)
        {
            counts[ring]++;
        }

        return [.. counts];
    }
}

/// <summary>
/// A real signal's spectrum is point-symmetric: the columns 0 .. W / 2 hold all of it. Every one of them but the first and, for even W, the
/// last stands for two.
/// </summary>
internal static class HalfSpectrum
{
    /// <summary>How many cells of the whole spectrum each cell of an H x (W / 2 + 1) half stands for, row-major; the sum is H * W.</summary>
    internal static double[] Weights(int height, int width)
    {
        var halfWidth = (width / 2) + 1;
        var weights = new double[height * halfWidth];
        for (var cell = 0; cell < weights.Length; cell++)
        {
            var column = cell % halfWidth;
            weights[cell] = column == 0 || 2 * column == width ? 1 : 2;
        }

        return weights;
    }
}

/// <summary>Shannon entropy of a power spectrum.</summary>
internal static class SpectralEntropy
{
    /// <summary>
    /// <c>-sum p ln p / ln n</c> with p the power's shares and 0 ln 0 = 0; the constant term takes part. In [0, 1]; 0 for no power at all or
    /// a single frequency.
    /// </summary>
    internal static double Normalized(ImmutableArray<double> power)
    {
        var total = power.Total();
        if (total == 0 || power.Length < 2)
        {
            return 0;
        }

        double entropy = 0;
        foreach (var value in power)
        {
            var share = value / total;
            entropy -= share > 0 ? share * Math.Log(share) : 0;
        }

        return entropy / Math.Log(power.Length);
    }
}

/// <summary>Element-wise arithmetic on the immutable arrays that spectra are made of.</summary>
internal static class Vectors
{
    /// <summary>Element-wise sum of two arrays of one length.</summary>
    internal static ImmutableArray<double> Plus(this ImmutableArray<double> left, ImmutableArray<double> right)
    {
        var sum = new double[left.Length];
        TensorPrimitives.Add(left.AsSpan(), right.AsSpan(), sum);
        return Freeze(sum);
    }

    /// <summary>Element-wise sum of two arrays of one length; null where one of them is.</summary>
    internal static ImmutableArray<long>? Plus(this ImmutableArray<long>? left, ImmutableArray<long>? right)
        => left is { } one && right is { } two ? [.. one.Zip(two, (a, b) => a + b)] : null;

    /// <summary>Every element divided by a number.</summary>
    internal static ImmutableArray<double> Over(this ImmutableArray<double> values, double divisor)
    {
        var quotient = new double[values.Length];
        TensorPrimitives.Divide(values.AsSpan(), divisor, quotient);
        return Freeze(quotient);
    }

    /// <summary>Sum of all elements.</summary>
    internal static double Total(this ImmutableArray<double> values) => TensorPrimitives.Sum(values.AsSpan());

    private static ImmutableArray<double> Freeze(double[] array)
        => System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(array);
}
