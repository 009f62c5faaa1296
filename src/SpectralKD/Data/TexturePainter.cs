namespace SpectralKD.Data;

/// <summary>Turns a pattern into a picture: two colours, a distracting wave, uneven light, and noise.</summary>
internal static class TexturePainter
{
    private const int WarmDiscs = 7;
    private const int CoolDiscs = 8;

    /// <summary>Paints one image of a class.</summary>
    public static RgbImage Paint(int label, int size, CounterRandom random)
    {
        var field = TexturePattern.Field(label, size, ref random);
        AddDistraction(field, size, ref random);
        var (figure, ground) = Colours(label, ref random);
        var contrast = random.NextBetween(0.35, 0.95);
        var (lightX, lightY) = (random.NextBetween(-50, 50), random.NextBetween(-50, 50));
        var noise = random.NextBetween(0.10, 0.30); // of a sum of four bytes, whose standard deviation is 148
        var pixels = new byte[size * size * 3];
        for (var i = 0; i < field.Length; i++)
        {
            var share = 0.5 + (0.5 * contrast * field[i]);
            var light = (lightX * ((((i % size) + 0.5) / size) - 0.5)) + (lightY * ((((i / size) + 0.5) / size) - 0.5));
            var bits = random.NextBits();
            light += noise * (Byte(bits, 0) + Byte(bits, 1) + Byte(bits, 2) + Byte(bits, 3) - 510);
            pixels[3 * i] = ToByte(Mix(ground.Red, figure.Red, share) + light + (noise * (Byte(bits, 4) - 127.5)));
            pixels[(3 * i) + 1] = ToByte(Mix(ground.Green, figure.Green, share) + light + (noise * (Byte(bits, 5) - 127.5)));
            pixels[(3 * i) + 2] = ToByte(Mix(ground.Blue, figure.Blue, share) + light + (noise * (Byte(bits, 6) - 127.5)));
        }

        return new RgbImage(size, size, pixels);
    }

    /// <summary>A weaker wave of any direction and frequency over the pattern.</summary>
    private static void AddDistraction(double[] field, int size, ref CounterRandom random)
    {
        var strength = random.NextBetween(0, 0.45);
        var wave = TexturePattern.Waves(size, random.NextDouble(), random.NextBetween(1.5, 10), ref random);
        for (var i = 0; i < field.Length; i++)
        {
            field[i] = Math.Clamp(field[i] + (strength * wave[i]), -1.3, 1.3);
        }
    }

    /// <summary>
    /// Colours of figure and ground, one light and one dark. Only the two disc classes fix which is warm; elsewhere each is warm or cool at
    /// random.
    /// </summary>
    private static (Colour Figure, Colour Ground) Colours(int label, ref CounterRandom random)
    {
        var figureIsWarm = random.NextBool(0.5);
        var groundIsWarm = random.NextBool(0.5);
        if (label is WarmDiscs or CoolDiscs)
        {
            figureIsWarm = label == WarmDiscs;
            groundIsWarm = !figureIsWarm;
        }

        var figureIsLight = random.NextBool(0.5);
        return (Colour.Draw(figureIsWarm, figureIsLight, ref random), Colour.Draw(groundIsWarm, !figureIsLight, ref random));
    }

    private static double Mix(double from, double to, double share) => from + ((to - from) * share);

    private static int Byte(ulong bits, int place) => (int)(bits >> (8 * place)) & 255;

    private static byte ToByte(double value) => (byte)Math.Clamp(Math.Floor(value + 0.5), 0, 255);

    /// <summary>Red, green and blue in 0..255.</summary>
    private readonly record struct Colour(double Red, double Green, double Blue)
    {
        /// <summary>Warm: purple-red to yellow. Cool: green to violet-blue.</summary>
        public static Colour Draw(bool isWarm, bool isLight, ref CounterRandom random)
        {
            var sixths = isWarm ? random.NextBetween(-0.4, 1.1) : random.NextBetween(2.2, 4.4);
            var saturation = random.NextBetween(0.35, 0.9);
            var value = 255 * (isLight ? random.NextBetween(0.7, 1.0) : random.NextBetween(0.3, 0.6));
            return new Colour(
                value * (1 - (saturation * Distance(sixths, 0))),
                value * (1 - (saturation * Distance(sixths, 2))),
                value * (1 - (saturation * Distance(sixths, 4))));
        }

        /// <summary>HSV: how much of a primary is missing at a hue, 0 near it, 1 from a third of the circle on.</summary>
        private static double Distance(double hue, double primary)
        {
            var apart = Math.Abs(hue - primary);
            return Math.Clamp(Math.Min(apart, 6 - apart) - 1, 0, 1);
        }
    }
}
