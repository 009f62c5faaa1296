namespace SpectralKD.Data.Augmentations;

/// <summary>timm's RandomErasing in <c>pixel</c> mode: one rectangle of a normalised image becomes standard normal noise.</summary>
internal static class RandomErasing
{
    private const double SmallestArea = 0.02;
    private const double LargestArea = 1.0 / 3;
    private const double LowestAspect = 0.3;

    /// <summary>Erases a rectangle of planes <c>[3, size, size]</c> with the given probability.</summary>
    public static void Apply(Span<float> planes, int size, double probability, ref CounterRandom random)
    {
        if (random.NextBool(probability) && Draw(size, ref random) is { } part)
        {
            for (var row = 0; row < 3 * part.Height; row++)
            {
                var (channel, y) = (row / part.Height, part.Top + (row % part.Height));
                foreach (ref var value in planes.Slice((((channel * size) + y) * size) + part.Left, part.Width))
                {
                    value = (float)random.NextGaussian();
                }
            }
        }
    }

    private static PixelWindow? Draw(int size, ref CounterRandom random)
    {
        var log = Math.Log(LowestAspect);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = random.NextBetween(SmallestArea, LargestArea) * size * size;
            var aspect = Math.Exp(random.NextBetween(log, -log));
            var (h, w) = ((int)Math.Round(Math.Sqrt(area * aspect)), (int)Math.Round(Math.Sqrt(area / aspect)));
            if (w < size && h < size)
            {
                return new PixelWindow(random.NextInt(size - w + 1), random.NextInt(size - h + 1), w, h);
            }
        }

        return null;
    }
}
