using System.Numerics;

namespace SpectralKD.Spectra;

/// <summary>
/// The discrete Fourier transform of complex signals of any length, one signal in each lane of a vector: Stockham's algorithm, whose stages
/// write their results in order, by factors of 4, 2, 3 and whatever primes are left. Unscaled.
/// </summary>
internal sealed class ComplexTransform
{
    private readonly List<Stage> _stages = [];
    private Vector<double>[] _real;
    private Vector<double>[] _imaginary;
    private Vector<double>[] _nextReal;
    private Vector<double>[] _nextImaginary;

    internal ComplexTransform(int length)
    {
        (_real, _imaginary) = (new Vector<double>[length], new Vector<double>[length]);
        (_nextReal, _nextImaginary) = (new Vector<double>[length], new Vector<double>[length]);
        for (var (rest, stride) = (length, 1); rest > 1;)
        {
            var stage = new Stage(FactorOf(rest), rest, stride);
            _stages.Add(stage);
            (rest, stride) = (rest / stage.Factor, stride * stage.Factor);
        }
    }

    /// <summary>Real parts: the signal before <see cref="Run"/>, its transform after.</summary>
    internal Span<Vector<double>> Real => _real;

    /// <summary>Imaginary parts.</summary>
    internal Span<Vector<double>> Imaginary => _imaginary;

    /// <summary>Transforms what <see cref="Real"/> and <see cref="Imaginary"/> hold.</summary>
    internal void Run()
    {
        foreach (var stage in _stages)
        {
            stage.Run(_real, _imaginary, _nextReal, _nextImaginary);
            (_real, _nextReal) = (_nextReal, _real);
            (_imaginary, _nextImaginary) = (_nextImaginary, _imaginary);
        }
    }

    private static int FactorOf(int length) => length % 4 == 0 ? 4 : Enumerable.Range(2, length - 1).First(factor => length % factor == 0);

    /// <summary>One stage: transforms of <paramref name="factor"/> points, <paramref name="length"/> / factor * stride of them.</summary>
    private sealed class Stage(int factor, int length, int stride)
    {
        private readonly int _step = length / factor;
        private readonly (double Cosine, double Sine)[] _turns = [.. Enumerable.Range(0, length).Select(turn => Turn(turn, length))];
        private readonly (double Cosine, double Sine)[] _roots = [.. Enumerable.Range(0, factor).Select(turn => Turn(turn, factor))];

        internal int Factor => factor;

        internal void Run(
            ReadOnlySpan<Vector<double>> real, ReadOnlySpan<Vector<double>> imaginary, Span<Vector<double>> toReal, Span<Vector<double>> toImaginary)
        {
            Span<Vector<double>> inReal = stackalloc Vector<double>[factor];
            Span<Vector<double>> inImaginary = stackalloc Vector<double>[factor];
            for (var j = 0; j < _step; j++)
            {
                for (var q = 0; q < stride; q++)
                {
                    for (var r = 0; r < factor; r++)
                    {
                        inReal[r] = real[q + (stride * (j + (_step * r)))];
                        inImaginary[r] = imaginary[q + (stride * (j + (_step * r)))];
                    }

                    var to = q + (stride * factor * j);
                    switch (factor)
                    {
                        case 4:
                            Four(inReal, inImaginary);
                            break;
                        case 3:
                            Three(inReal, inImaginary);
                            break;
                        case 2:
                            (inReal[0], inReal[1]) = (inReal[0] + inReal[1], inReal[0] - inReal[1]);
                            (inImaginary[0], inImaginary[1]) = (inImaginary[0] + inImaginary[1], inImaginary[0] - inImaginary[1]);
                            break;
                        default:
                            Any(inReal, inImaginary);
                            break;
                    }

                    toReal[to] = inReal[0];
                    toImaginary[to] = inImaginary[0];
                    for (var t = 1; t < factor; t++)
                    {
                        var (cosine, sine) = _turns[j * t];
                        toReal[to + (stride * t)] = (inReal[t] * cosine) - (inImaginary[t] * sine);
                        toImaginary[to + (stride * t)] = (inReal[t] * sine) + (inImaginary[t] * cosine);
                    }
                }
            }
        }

        private static void Four(Span<Vector<double>> real, Span<Vector<double>> imaginary)
        {
            var (evenReal, evenImaginary) = (real[0] + real[2], imaginary[0] + imaginary[2]);
            var (turnReal, turnImaginary) = (real[0] - real[2], imaginary[0] - imaginary[2]);
            var (oddReal, oddImaginary) = (real[1] + real[3], imaginary[1] + imaginary[3]);
            var (sideReal, sideImaginary) = (real[1] - real[3], imaginary[1] - imaginary[3]);
            (real[0], imaginary[0]) = (evenReal + oddReal, evenImaginary + oddImaginary);
            (real[1], imaginary[1]) = (turnReal + sideImaginary, turnImaginary - sideReal);
            (real[2], imaginary[2]) = (evenReal - oddReal, evenImaginary - oddImaginary);
            (real[3], imaginary[3]) = (turnReal - sideImaginary, turnImaginary + sideReal);
        }

        private static void Three(Span<Vector<double>> real, Span<Vector<double>> imaginary)
        {
            var side = Math.Sqrt(0.75);
            var (sumReal, sumImaginary) = (real[1] + real[2], imaginary[1] + imaginary[2]);
            var (turnReal, turnImaginary) = ((imaginary[1] - imaginary[2]) * side, (real[2] - real[1]) * side);
            var (restReal, restImaginary) = (real[0] - (sumReal * 0.5), imaginary[0] - (sumImaginary * 0.5));
            (real[0], imaginary[0]) = (real[0] + sumReal, imaginary[0] + sumImaginary);
            (real[1], imaginary[1]) = (restReal + turnReal, restImaginary + turnImaginary);
            (real[2], imaginary[2]) = (restReal - turnReal, restImaginary - turnImaginary);
        }

        /// <summary>Direct sums; for what other primes a channel count has.</summary>
        private void Any(Span<Vector<double>> real, Span<Vector<double>> imaginary)
        {
            Span<Vector<double>> sumReal = stackalloc Vector<double>[factor];
            Span<Vector<double>> sumImaginary = stackalloc Vector<double>[factor];
            for (var t = 0; t < factor; t++)
            {
                (sumReal[t], sumImaginary[t]) = (real[0], imaginary[0]);
                for (var r = 1; r < factor; r++)
                {
                    var (cosine, sine) = _roots[t * r % factor];
                    sumReal[t] += (real[r] * cosine) - (imaginary[r] * sine);
                    sumImaginary[t] += (real[r] * sine) + (imaginary[r] * cosine);
                }
            }

            sumReal.CopyTo(real);
            sumImaginary.CopyTo(imaginary);
        }

        // exp(-2 pi i turn / length)
        private static (double Cosine, double Sine) Turn(int turn, int length)
            => (Math.Cos(2 * Math.PI * turn / length), -Math.Sin(2 * Math.PI * turn / length));
    }
}

/// <summary>cos and sin of 2 pi k i / n for k = 0 .. n / 2 and i = 1 .. (n - 1) / 2.</summary>
internal sealed class TrigonometricTable
{
    private readonly double[] _cosines;
    private readonly double[] _sines;

    internal TrigonometricTable(int length)
    {
        Pairs = (length - 1) / 2;
        var frequencies = (length / 2) + 1;
        (_cosines, _sines) = (new double[frequencies * Pairs], new double[frequencies * Pairs]);
        for (var k = 0; k < frequencies; k++)
        {
            for (var i = 1; i <= Pairs; i++)
            {
                // The turn is reduced to less than one before it is multiplied by pi.
                var angle = 2 * Math.PI * (k * i % length) / length;
                _cosines[(k * Pairs) + i - 1] = Math.Cos(angle);
                _sines[(k * Pairs) + i - 1] = Math.Sin(angle);
            }
        }
    }

    /// <summary>Number of pairs i, n - i.</summary>
    internal int Pairs { get; }

    internal ReadOnlySpan<double> Cosines(int k) => _cosines.AsSpan(k * Pairs, Pairs);

    internal ReadOnlySpan<double> Sines(int k) => _sines.AsSpan(k * Pairs, Pairs);
}
