namespace SpectralKD.Spectra;

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
