namespace SpectralKD.Data;

/// <summary>
/// A built-in image set, painted by formula: ten classes that differ in spatial frequency, orientation, shape and colour order, under noise,
/// jitter, distracting patterns and shared colours, so that no single feature gives a class away. Mirroring an image left to right keeps its
/// class. Image i depends only on (seed, i, size) and the number of classes, bit for bit on every platform.
/// </summary>
public static class Textures
{
    /// <summary>The name under which <see cref="ImageSources.Open"/> finds the set.</summary>
    public const string SourceName = "textures";

    /// <summary>Number of images where none is asked for.</summary>
    public const int DefaultCount = 500;

    /// <summary>Side in pixels where none is asked for.</summary>
    public const int DefaultSize = 64;

    private const int MaximumSize = 4096;

    /// <summary>The ten classes in the order of their labels.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "wide bands", "fine bands", "wide bars", "fine bars", "diagonals", "checks", "rings", "warm discs", "cool discs", "crosses",
    ];

    /// <summary>Makes the set; images are painted when they are read.</summary>
    /// <param name="count">Number of images, at least 1. The first n images of a larger set are the smaller set.</param>
    /// <param name="size">Side of the square images in pixels, 8 to 4096.</param>
    /// <param name="classes">Number of classes, 2 to 10: the first of <see cref="ClassNames"/>. Image i has the label i modulo classes.</param>
    /// <param name="seed">Any number; different seeds give unrelated images of the same classes.</param>
    /// <exception cref="SpectralKDException">A number is out of range.</exception>
    public static IImageSource Create(int count = DefaultCount, int size = DefaultSize, int classes = 10, int seed = 0)
    {
        if (count < 1)
        {
            throw new SpectralKDException(FormattableString.Invariant($"the number of images must be at least 1, but is {count}"));
        }

        if (size is < 8 or > MaximumSize)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"the size of textures must be between 8 and {MaximumSize} pixels, but is {size}"));
        }

        if (classes < 2 || classes > ClassNames.Count)
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"textures has {ClassNames.Count} classes and needs at least 2, so {classes} cannot be taken"));
        }

        return new TextureImageSource(count, size, classes, seed);
    }
}

/// <summary>The images of <see cref="Textures"/>, painted on demand.</summary>
internal sealed class TextureImageSource(int count, int size, int classes, int seed) : IImageSource
{
    /// <inheritdoc/>
    public string Name => Textures.SourceName;

    /// <inheritdoc/>
    public int Count => count;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; } = [.. Textures.ClassNames.Take(classes)];

    /// <inheritdoc/>
    public ImageQuery? Query { get; } = new() { Source = Textures.SourceName, Count = count, Size = size, Classes = classes, Seed = seed };

    /// <inheritdoc/>
    public int Label(int index) => index % classes;

    /// <inheritdoc/>
    public string ItemName(int index) => FormattableString.Invariant($"{Classes[Label(index)]} {index}");

    /// <inheritdoc/>
    public RgbImage Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
        return TexturePainter.Paint(Label(index), size, new CounterRandom(seed, index, size));
    }
}

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

/// <summary>Paints a class's pattern as a field of values in [-1, 1] (figure 1, ground -1) over the unit square.</summary>
internal static class TexturePattern
{
    /// <summary>The pattern of one class, <c>[size, size]</c>, row-major.</summary>
    public static double[] Field(int label, int size, ref CounterRandom random) => label switch
    {
        0 => Waves(size, Tilt(0, ref random), random.NextBetween(2.0, 4.2), ref random),
        1 => Waves(size, Tilt(0, ref random), random.NextBetween(4.8, 9.0), ref random),
        2 => Waves(size, Tilt(0.25, ref random), random.NextBetween(2.0, 4.2), ref random),
        3 => Waves(size, Tilt(0.25, ref random), random.NextBetween(4.8, 9.0), ref random),
        4 => Waves(size, Tilt(random.NextBool(0.5) ? 0.125 : -0.125, ref random), random.NextBetween(2.5, 8.0), ref random),
        5 => Checks(size, random.NextDouble(), random.NextBetween(1.8, 5.0), ref random),
        6 => Rings(size, random.NextBetween(2.5, 7.0), ref random),
        7 or 8 => Shapes(size, isCross: false, ref random),
        _ => Shapes(size, isCross: true, ref random),
    };

    /// <summary>A plane wave; <paramref name="turns"/> 0 gives horizontal bands, 0.25 vertical bars.</summary>
    public static double[] Waves(int size, double turns, double cycles, ref CounterRandom random)
    {
        var (x, y) = (TurnSine.Sin(turns) * cycles, TurnSine.Cos(turns) * cycles);
        var phase = random.NextDouble();
        var steepness = random.NextBetween(1.0, 2.5);
        var warp = new Warp(ref random);
        return Fill(size, (u, v) =>
        {
            (u, v) = warp.Apply(u, v);
            return Clip(steepness * TurnSine.Sin((x * u) + (y * v) + phase));
        });
    }

    private static double[] Checks(int size, double turns, double cycles, ref CounterRandom random)
    {
        var (cos, sin) = (TurnSine.Cos(turns) * cycles, TurnSine.Sin(turns) * cycles);
        var (first, second) = (random.NextDouble(), random.NextDouble());
        var steepness = random.NextBetween(1.5, 3.0);
        var warp = new Warp(ref random);
        return Fill(size, (u, v) =>
        {
            (u, v) = warp.Apply(u, v);
            return Clip(steepness * TurnSine.Sin((cos * u) + (sin * v) + first) * TurnSine.Sin((cos * v) - (sin * u) + second));
        });
    }

    private static double[] Rings(int size, double cycles, ref CounterRandom random)
    {
        var (centreX, centreY) = (random.NextBetween(-0.3, 0.3), random.NextBetween(-0.3, 0.3));
        var phase = random.NextDouble();
        var steepness = random.NextBetween(1.0, 2.5);
        var warp = new Warp(ref random);
        return Fill(size, (u, v) =>
        {
            (u, v) = warp.Apply(u, v);
            var (x, y) = (u - centreX, v - centreY);
            return Clip(steepness * TurnSine.Sin((cycles * Math.Sqrt((x * x) + (y * y))) + phase));
        });
    }

    /// <summary>Discs or crosses on a jittered grid that covers the square and some of its surroundings.</summary>
    private static double[] Shapes(int size, bool isCross, ref CounterRandom random)
    {
        var field = new double[size * size];
        Array.Fill(field, -1.0);
        var pitch = 1 / random.NextBetween(2.2, 4.5);
        var (offsetX, offsetY) = (random.NextDouble() * pitch, random.NextDouble() * pitch);
        var sign = isCross ? random.NextDouble() : 0;
        for (var y = -0.5 - pitch + offsetY; y < 0.5 + pitch; y += pitch)
        {
            for (var x = -0.5 - pitch + offsetX; x < 0.5 + pitch; x += pitch)
            {
                var stamp = new Stamp(
                    x + (pitch * random.NextBetween(-0.18, 0.18)),
                    y + (pitch * random.NextBetween(-0.18, 0.18)),
                    pitch * random.NextBetween(0.24, 0.36),
                    sign + random.NextBetween(-0.03, 0.03));
                stamp.Draw(field, size, isCross);
            }
        }

        return field;
    }

    private static double Tilt(double turns, ref CounterRandom random) => turns + random.NextBetween(-0.038, 0.038);

    private static double[] Fill(int size, Func<double, double, double> value)
    {
        var field = new double[size * size];
        for (var i = 0; i < field.Length; i++)
        {
            field[i] = value((((i % size) + 0.5) / size) - 0.5, (((i / size) + 0.5) / size) - 0.5);
        }

        return field;
    }

    private static double Clip(double value) => Math.Clamp(value, -1, 1);

    /// <summary>A gentle bending of the plane.</summary>
    private readonly struct Warp
    {
        private readonly double _amplitude;
        private readonly double _cycles;
        private readonly double _phaseX;
        private readonly double _phaseY;

        public Warp(ref CounterRandom random)
        {
            _amplitude = random.NextBetween(0, 0.02);
            _cycles = random.NextBetween(0.5, 2);
            _phaseX = random.NextDouble();
            _phaseY = random.NextDouble();
        }

        public (double U, double V) Apply(double u, double v) =>
            (u + (_amplitude * TurnSine.Sin((_cycles * v) + _phaseX)), v + (_amplitude * TurnSine.Sin((_cycles * u) + _phaseY)));
    }

    /// <summary>One disc or cross: centre, radius (arm length of a cross is larger, so that areas agree), rotation in turns.</summary>
    private readonly record struct Stamp(double X, double Y, double Radius, double Turns)
    {
        public void Draw(double[] field, int size, bool isCross)
        {
            var reach = Radius * 1.9;
            var (cos, sin) = (TurnSine.Cos(Turns), TurnSine.Sin(Turns));
            for (var row = First(Y - reach, size); row <= Last(Y + reach, size); row++)
            {
                for (var column = First(X - reach, size); column <= Last(X + reach, size); column++)
                {
                    var (dx, dy) = (((column + 0.5) / size) - 0.5 - X, ((row + 0.5) / size) - 0.5 - Y);
                    var distance = isCross ? Cross((cos * dx) + (sin * dy), (cos * dy) - (sin * dx)) : Disc(dx, dy);
                    var value = Clip(-distance * size); // an edge of about two pixels
                    field[(row * size) + column] = Math.Max(field[(row * size) + column], value);
                }
            }
        }

        private double Disc(double x, double y) => Math.Sqrt((x * x) + (y * y)) - Radius;

        private double Cross(double x, double y)
        {
            var (length, width) = (Radius * 1.3, Radius * 0.42);
            var (ax, ay) = (Math.Abs(x), Math.Abs(y));
            return Math.Min(Math.Max(ax - length, ay - width), Math.Max(ax - width, ay - length));
        }

        private static int First(double coordinate, int size) => Math.Max(0, (int)Math.Floor((coordinate + 0.5) * size));

        private static int Last(double coordinate, int size) => Math.Min(size - 1, (int)Math.Floor((coordinate + 0.5) * size));
    }
}

/// <summary>
/// Sine and cosine of an angle in turns, by additions and multiplications alone: IEEE arithmetic gives every platform the same bits, which
/// <see cref="Math.Sin"/> does not promise. Error below 1e-8.
/// </summary>
internal static class TurnSine
{
    /// <summary>Taylor coefficients of sin(x) / x in powers of the square, highest first.</summary>
    private static readonly double[] Series =
        [1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0];

    /// <summary>sin(2 pi t).</summary>
    public static double Sin(double turns)
    {
        var t = turns - Math.Floor(turns + 0.5); // [-0.5, 0.5)
        if (t > 0.25)
        {
            t = 0.5 - t;
        }
        else if (t < -0.25)
        {
            t = -0.5 - t;
        }

        var x = t * (2 * Math.PI); // [-pi/2, pi/2]
        var square = x * x;
        var series = 0.0;
        foreach (var coefficient in Series)
        {
            series = (series * square) + coefficient;
        }

        return x * series;
    }

    /// <summary>cos(2 pi t).</summary>
    public static double Cos(double turns) => Sin(turns + 0.25);
}
