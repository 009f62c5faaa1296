namespace SpectralKD.Spectra;

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
