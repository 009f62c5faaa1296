namespace SpectralKD.Data;

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
        private readonly double amplitude;
        private readonly double cycles;
        private readonly double phaseX;
        private readonly double phaseY;

        public Warp(ref CounterRandom random)
        {
            amplitude = random.NextBetween(0, 0.02);
            cycles = random.NextBetween(0.5, 2);
            phaseX = random.NextDouble();
            phaseY = random.NextDouble();
        }

        public (double U, double V) Apply(double u, double v) =>
            (u + (amplitude * TurnSine.Sin((cycles * v) + phaseX)), v + (amplitude * TurnSine.Sin((cycles * u) + phaseY)));
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
