using System.Numerics;

namespace SpectralKD.Spectra;

/// <summary>
/// The two-dimensional Fourier transform of small real maps, several channels at once in the lanes of a vector, in float64, reduced on the
/// spot to sums of amplitude and power. Direct sums over even and odd parts: at the sizes of feature maps (7 to 56) they are faster than a general
/// FFT, whose complex results would go through memory. Not safe for use from several threads at once.
/// </summary>
internal sealed class SpatialTransform
{
    /// <summary>Side above which direct sums lose against an FFT.</summary>
    internal const int LargestSide = 64;

    private static readonly int Lanes = Vector<double>.Count;
    private readonly int _height;
    private readonly int _width;
    private readonly int _columns;
    private readonly Vector<double>[] _map;
    private readonly Vector<double>[] _real;
    private readonly Vector<double>[] _imaginary;
    private readonly Vector<double>[] _amplitude;
    private readonly Vector<double>[] _power;
    private readonly TrigonometricTable _across;
    private readonly TrigonometricTable _down;

    internal SpatialTransform(int height, int width)
    {
        (_height, _width, _columns) = (height, width, (width / 2) + 1);
        (_across, _down) = (new TrigonometricTable(width), new TrigonometricTable(height));
        _map = new Vector<double>[height * width];
        _real = new Vector<double>[_columns * height];
        _imaginary = new Vector<double>[_columns * height];
        _amplitude = new Vector<double>[height * _columns];
        _power = new Vector<double>[height * _columns];
    }

    /// <summary>Sums amplitude and power over one image's channels.</summary>
    /// <param name="image">H * W * C values, channels last.</param>
    /// <param name="channels">Number of channels C.</param>
    /// <param name="amplitude">Receives H x (W / 2 + 1) sums of A, zero frequency first.</param>
    /// <param name="power">Receives the sums of A squared.</param>
    internal void Reduce(ReadOnlySpan<float> image, int channels, Span<double> amplitude, Span<double> power)
    {
        Array.Clear(_amplitude);
        Array.Clear(_power);
        for (var channel = 0; channel < channels; channel += Lanes)
        {
            Load(image, channels, channel);
            Rows();
            Columns();
        }

        for (var cell = 0; cell < _amplitude.Length; cell++)
        {
            amplitude[cell] = Vector.Sum(_amplitude[cell]);
            power[cell] = Vector.Sum(_power[cell]);
        }
    }

    /// <summary>Takes the next channels; lanes beyond the last stay zero, which adds nothing.</summary>
    private void Load(ReadOnlySpan<float> image, int channels, int first)
    {
        Span<double> lanes = stackalloc double[Lanes];
        var count = Math.Min(Lanes, channels - first);
        lanes.Clear();
        for (var cell = 0; cell < _map.Length; cell++)
        {
            var values = image[((cell * channels) + first)..];
            if (count == Lanes && values.Length >= Vector<float>.Count)
            {
                Vector.Widen(new Vector<float>(values), out _map[cell], out _);
                continue;
            }

            values = values[..count];
            for (var lane = 0; lane < values.Length; lane++)
            {
                lanes[lane] = values[lane];
            }

            _map[cell] = new Vector<double>(lanes);
        }
    }

    /// <summary>Transforms every row; results lie column by column, [W/2+1][H].</summary>
    private void Rows()
    {
        Span<Vector<double>> even = stackalloc Vector<double>[_across.Pairs + 1];
        Span<Vector<double>> odd = stackalloc Vector<double>[_across.Pairs + 1];
        for (var row = 0; row < _height; row++)
        {
            var values = _map.AsSpan(row * _width, _width);
            Fold(values, even, odd);
            for (var k = 0; k < _columns; k++)
            {
                var (real, imaginary) = (Ends(values, k), Vector<double>.Zero);
                var cosines = _across.Cosines(k);
                var sines = _across.Sines(k);
                for (var pair = 0; pair < cosines.Length; pair++)
                {
                    real += even[pair] * cosines[pair];
                    imaginary -= odd[pair] * sines[pair];
                }

                _real[(k * _height) + row] = real;
                _imaginary[(k * _height) + row] = imaginary;
            }
        }
    }

    /// <summary>Transforms every column and adds amplitude and power of frequencies ky and H - ky.</summary>
    private void Columns()
    {
        Span<Vector<double>> evenReal = stackalloc Vector<double>[_down.Pairs + 1];
        Span<Vector<double>> oddReal = stackalloc Vector<double>[_down.Pairs + 1];
        Span<Vector<double>> evenImaginary = stackalloc Vector<double>[_down.Pairs + 1];
        Span<Vector<double>> oddImaginary = stackalloc Vector<double>[_down.Pairs + 1];
        for (var k = 0; k < _columns; k++)
        {
            var real = _real.AsSpan(k * _height, _height);
            var imaginary = _imaginary.AsSpan(k * _height, _height);
            Fold(real, evenReal, oddReal);
            Fold(imaginary, evenImaginary, oddImaginary);
            for (var ky = 0; ky <= _height / 2; ky++)
            {
                var (sumReal, sumImaginary) = (Ends(real, ky), Ends(imaginary, ky));
                var (turnReal, turnImaginary) = (Vector<double>.Zero, Vector<double>.Zero);
                var cosines = _down.Cosines(ky);
                var sines = _down.Sines(ky);
                for (var pair = 0; pair < cosines.Length; pair++)
                {
                    sumReal += evenReal[pair] * cosines[pair];
                    sumImaginary += evenImaginary[pair] * cosines[pair];
                    turnReal += oddImaginary[pair] * sines[pair];
                    turnImaginary -= oddReal[pair] * sines[pair];
                }

                Add((ky * _columns) + k, sumReal + turnReal, sumImaginary + turnImaginary);
                if (ky > 0 && 2 * ky < _height)
                {
                    Add(((_height - ky) * _columns) + k, sumReal - turnReal, sumImaginary - turnImaginary);
                }
            }
        }
    }

    private void Add(int cell, Vector<double> real, Vector<double> imaginary)
    {
        var power = ((real * real) + (imaginary * imaginary)) * new Vector<double>(1.0 / (_height * _width));
        _power[cell] += power;
        _amplitude[cell] += Vector.SquareRoot(power);
    }

    /// <summary>Sums and differences of the values at i and n - i, for i = 1 .. (n - 1) / 2.</summary>
    private static void Fold(ReadOnlySpan<Vector<double>> values, Span<Vector<double>> even, Span<Vector<double>> odd)
    {
        for (var pair = 0; pair < (values.Length - 1) / 2; pair++)
        {
            var (one, other) = (values[pair + 1], values[values.Length - 1 - pair]);
            even[pair] = one + other;
            odd[pair] = one - other;
        }
    }

    /// <summary>What has no partner: the value at 0 and, for even lengths, the one in the middle, which alternates its sign.</summary>
    private static Vector<double> Ends(ReadOnlySpan<Vector<double>> values, int k)
    {
        if (values.Length % 2 != 0)
        {
            return values[0];
        }

        var middle = values[values.Length / 2];
        return k % 2 == 0 ? values[0] + middle : values[0] - middle;
    }
}
