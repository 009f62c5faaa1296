using System.Runtime.Intrinsics;

namespace SpectralKD.Data;

/// <summary>
/// timm's RandAugment with increasing severity (<c>rand-m9-mstd0.5-inc1</c>): two operations drawn with replacement out of fifteen, each
/// applied with probability 0.5 at a magnitude drawn around the set one and limited to 0..10.
/// </summary>
internal static class RandAugment
{
    private const double Applied = 0.5;
    private const double FullMagnitude = 10;

    /// <summary>The operations in timm's order.</summary>
    internal static IReadOnlyList<string> Operations { get; } =
    [
        "AutoContrast", "Equalize", "Invert", "Rotate", "PosterizeIncreasing", "SolarizeIncreasing", "SolarizeAdd", "ColorIncreasing",
        "ContrastIncreasing", "BrightnessIncreasing", "SharpnessIncreasing", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel",
    ];

    /// <summary>Applies random operations to an image.</summary>
    public static RgbImage Apply(RgbImage image, RandAugmentSettings settings, PilAffine.Fill fill, ref CounterRandom random)
    {
        for (var layer = 0; layer < settings.Layers; layer++)
        {
            var operation = Operations[random.NextInt(Operations.Count)];
            if (random.NextBool(Applied))
            {
                var magnitude = random.NextGaussian(settings.Magnitude, settings.MagnitudeDeviation);
                image = Apply(image, operation, Math.Clamp(magnitude, 0, FullMagnitude) / FullMagnitude, fill, ref random);
            }
        }

        return image;
    }

    /// <summary>Applies one operation at a level in [0, 1].</summary>
    internal static RgbImage Apply(RgbImage image, string operation, double level, PilAffine.Fill fill, ref CounterRandom random)
    {
        var sign = random.NextBool(0.5) ? -1 : 1;
        return operation switch
        {
            "AutoContrast" => PilTone.AutoContrast(image),
            "Equalize" => PilTone.Equalize(image),
            "Invert" => PilTone.Invert(image),
            "PosterizeIncreasing" => PilTone.Posterize(image, 4 - (int)(level * 4)),
            "SolarizeIncreasing" => PilTone.Solarize(image, 256 - Math.Min(256, (int)(level * 256))),
            "SolarizeAdd" => PilTone.SolarizeAdd(image, Math.Min(128, (int)(level * 110))),
            "ColorIncreasing" => PilEnhance.Color(image, Enhancement(sign, level)),
            "ContrastIncreasing" => PilEnhance.Contrast(image, Enhancement(sign, level)),
            "BrightnessIncreasing" => PilEnhance.Brightness(image, Enhancement(sign, level)),
            "SharpnessIncreasing" => PilEnhance.Sharpness(image, Enhancement(sign, level)),
            _ => PilAffine.Transform(image, Motion(operation, sign * level, image), fill),
        };
    }

    private static double Enhancement(int sign, double level) => Math.Max(0.1, 1 + (sign * level * 0.9));

    private static PilAffine.Matrix Motion(string operation, double level, RgbImage image) => operation switch
    {
        "Rotate" => PilAffine.Matrix.Rotate(level * 30, image.Width, image.Height),
        "ShearX" => PilAffine.Matrix.ShearX(level * 0.3),
        "ShearY" => PilAffine.Matrix.ShearY(level * 0.3),
        "TranslateXRel" => PilAffine.Matrix.Translate(level * 0.45 * image.Width, 0),
        "TranslateYRel" => PilAffine.Matrix.Translate(0, level * 0.45 * image.Height),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "no such operation"),
    };
}

/// <summary>
/// Pillow's affine transforms of 8-bit images with its bicubic filter: cubic convolution with a = -1, the border pixels repeated, the result
/// cut (not rounded) to a byte; where the source lies outside the image the fill colour shows.
/// </summary>
internal static class PilAffine
{
    /// <summary>The colour outside of the image.</summary>
    public readonly record struct Fill(byte Red, byte Green, byte Blue);

    /// <summary>Maps each output pixel (x, y) to the source (a x + b y + c, d x + e y + f), all at pixel centres.</summary>
    public readonly record struct Matrix(double A, double B, double C, double D, double E, double F)
    {
        /// <summary>Shears rows sideways.</summary>
        public static Matrix ShearX(double factor) => new(1, factor, 0, 0, 1, 0);

        /// <summary>Shears columns up or down.</summary>
        public static Matrix ShearY(double factor) => new(1, 0, 0, factor, 1, 0);

        /// <summary>Moves the picture by (-x, -y) pixels.</summary>
        public static Matrix Translate(double x, double y) => new(1, 0, x, 0, 1, y);

        /// <summary>Turns the picture counter-clockwise around its centre, as <c>Image.rotate</c>.</summary>
        public static Matrix Rotate(double degrees, int width, int height)
        {
            var angle = -degrees * Math.PI / 180;
            var (cos, sin) = (Math.Round(Math.Cos(angle), 15), Math.Round(Math.Sin(angle), 15));
            var (x, y) = (width / 2.0, height / 2.0);
            return new Matrix(cos, sin, (cos * -x) + (sin * -y) + x, -sin, cos, (-sin * -x) + (cos * -y) + y);
        }
    }

    /// <summary>Transforms an image to the same size.</summary>
    public static RgbImage Transform(RgbImage image, Matrix matrix, Fill fill)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var y = 0; y < image.Height; y++)
        {
            for (var x = 0; x < image.Width; x++)
            {
                var sourceX = (matrix.A * (x + 0.5)) + (matrix.B * (y + 0.5)) + matrix.C;
                var sourceY = (matrix.D * (x + 0.5)) + (matrix.E * (y + 0.5)) + matrix.F;
                var target = pixels.AsSpan(((y * image.Width) + x) * 3, 3);
                if (sourceX < 0 || sourceX >= image.Width || sourceY < 0 || sourceY >= image.Height)
                {
                    (target[0], target[1], target[2]) = (fill.Red, fill.Green, fill.Blue);
                }
                else
                {
                    Store(Sample(image, sourceX - 0.5, sourceY - 0.5), target);
                }
            }
        }

        return new RgbImage(image.Width, image.Height, pixels);
    }

    private static Vector256<double> Sample(RgbImage image, double x, double y)
    {
        var (left, top) = ((int)Math.Floor(x), (int)Math.Floor(y));
        var (dx, dy) = (x - left, y - top);
        var first = SampleRow(image, left - 1, top - 1, dx);
        var second = SampleRow(image, left - 1, top, dx);
        var third = SampleRow(image, left - 1, top + 1, dx);
        var fourth = SampleRow(image, left - 1, top + 2, dx);
        return Cubic(first, second, third, fourth, dy);
    }

    private static Vector256<double> SampleRow(RgbImage image, int left, int row, double dx)
    {
        var start = Math.Clamp(row, 0, image.Height - 1) * image.Width;
        var last = image.Width - 1;
        return Cubic(
            Pixel(image.Pixels, start + Math.Clamp(left, 0, last)),
            Pixel(image.Pixels, start + Math.Clamp(left + 1, 0, last)),
            Pixel(image.Pixels, start + Math.Clamp(left + 2, 0, last)),
            Pixel(image.Pixels, start + Math.Clamp(left + 3, 0, last)),
            dx);
    }

    private static Vector256<double> Pixel(byte[] pixels, int place) =>
        Vector256.Create(pixels[3 * place], pixels[(3 * place) + 1], pixels[(3 * place) + 2], 0.0);

    /// <summary>The cubic through b and c with the slopes (c - a) and (d - b), at t in [0, 1).</summary>
    private static Vector256<double> Cubic(
        Vector256<double> a, Vector256<double> b, Vector256<double> c, Vector256<double> d, double t)
    {
        var at = Vector256.Create(t);
        var square = ((a - b) * 2.0) + c - d;
        var cube = b - a - c + d;
        return b + (at * (c - a + (at * (square + (at * cube)))));
    }

    private static void Store(Vector256<double> value, Span<byte> target)
    {
        target[0] = (byte)Math.Clamp(value.GetElement(0), 0, 255);
        target[1] = (byte)Math.Clamp(value.GetElement(1), 0, 255);
        target[2] = (byte)Math.Clamp(value.GetElement(2), 0, 255);
    }
}

/// <summary>
/// Pillow's <c>ImageEnhance</c>: a step from a degenerate picture (factor 0) through the original (1) and beyond, computed in float32 and cut
/// (not rounded) to bytes.
/// </summary>
internal static class PilEnhance
{
    /// <summary>From grey to colour.</summary>
    public static RgbImage Color(RgbImage image, double factor)
    {
        var grey = new byte[image.Pixels.Length];
        for (var i = 0; i < grey.Length; i += 3)
        {
            grey.AsSpan(i, 3).Fill(Luma(image.Pixels.AsSpan(i, 3)));
        }

        return Blend(grey, image, factor);
    }

    /// <summary>From the mean grey to the picture.</summary>
    public static RgbImage Contrast(RgbImage image, double factor)
    {
        var sum = 0L;
        for (var i = 0; i < image.Pixels.Length; i += 3)
        {
            sum += Luma(image.Pixels.AsSpan(i, 3));
        }

        var flat = new byte[image.Pixels.Length];
        Array.Fill(flat, (byte)((sum / (double)(image.Width * image.Height)) + 0.5));
        return Blend(flat, image, factor);
    }

    /// <summary>From black to the picture.</summary>
    public static RgbImage Brightness(RgbImage image, double factor) => Blend(new byte[image.Pixels.Length], image, factor);

    /// <summary>From smoothed (3 x 3 with a centre of 5/13) to the picture; the border is not smoothed.</summary>
    public static RgbImage Sharpness(RgbImage image, double factor)
    {
        var smooth = (byte[])image.Pixels.Clone();
        var stride = image.Width * 3;
        for (var y = 1; y < image.Height - 1; y++)
        {
            for (var i = (y * stride) + 3; i < ((y + 1) * stride) - 3; i++)
            {
                smooth[i] = Smooth(image.Pixels, i, stride);
            }
        }

        return Blend(smooth, image, factor);
    }

    private static byte Smooth(byte[] p, int i, int stride)
    {
        var ring = p[i - stride - 3] + p[i - stride] + p[i - stride + 3] + p[i - 3] + p[i + 3] + p[i + stride - 3] + p[i + stride]
            + p[i + stride + 3];
        return (byte)((((2 * (ring + (5 * p[i]))) + 13) / 26)); // the thirteenth part, rounded
    }

    /// <summary>ITU-R 601 luma in 16-bit fixed point, as <c>convert("L")</c>.</summary>
    internal static byte Luma(ReadOnlySpan<byte> rgb) => (byte)(((rgb[0] * 19595) + (rgb[1] * 38470) + (rgb[2] * 7471) + 0x8000) >> 16);

    private static RgbImage Blend(byte[] degenerate, RgbImage image, double factor)
    {
        var share = (float)factor;
        var pixels = new byte[degenerate.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            var value = degenerate[i] + (share * (image.Pixels[i] - degenerate[i]));
            pixels[i] = (byte)Math.Clamp(value, 0f, 255f);
        }

        return image with { Pixels = pixels };
    }
}

/// <summary>Pillow's <c>ImageOps</c> that map each byte through a table.</summary>
internal static class PilTone
{
    /// <summary>Stretches each channel to 0..255.</summary>
    public static RgbImage AutoContrast(RgbImage image) => PerChannel(image, histogram =>
    {
        var low = Array.FindIndex(histogram, count => count > 0);
        var high = Array.FindLastIndex(histogram, count => count > 0);
        var scale = high > low ? 255.0 / (high - low) : 1;
        var offset = high > low ? -low * scale : 0;
        return value => (int)((value * scale) + offset);
    });

    /// <summary>Makes each channel's histogram as even as the values allow.</summary>
    public static RgbImage Equalize(RgbImage image) => PerChannel(image, histogram =>
    {
        var last = Array.FindLast(histogram, count => count > 0);
        var step = (histogram.Sum() - last) / 255;
        if (step == 0)
        {
            return value => value;
        }

        var table = new int[256];
        var below = step / 2;
        for (var value = 0; value < 256; value++)
        {
            table[value] = below / step;
            below += histogram[value];
        }

        return value => table[value];
    });

    /// <summary>The negative.</summary>
    public static RgbImage Invert(RgbImage image) => Map(image, value => 255 - value);

    /// <summary>Keeps the highest bits, 0 to 8.</summary>
    public static RgbImage Posterize(RgbImage image, int bits) => Map(image, value => value & ~((1 << (8 - bits)) - 1));

    /// <summary>Inverts the values from the threshold on, 0 to 256.</summary>
    public static RgbImage Solarize(RgbImage image, int threshold) => Map(image, value => value < threshold ? value : 255 - value);

    /// <summary>timm's <c>solarize_add</c>: brightens the values below 128.</summary>
    public static RgbImage SolarizeAdd(RgbImage image, int amount) => Map(image, value => value < 128 ? value + amount : value);

    private static RgbImage Map(RgbImage image, Func<int, int> value) => PerChannel(image, _ => value);

    private static RgbImage PerChannel(RgbImage image, Func<int[], Func<int, int>> tableOf)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var channel = 0; channel < 3; channel++)
        {
            var histogram = new int[256];
            for (var i = channel; i < pixels.Length; i += 3)
            {
                histogram[image.Pixels[i]]++;
            }

            var value = tableOf(histogram);
            var table = Enumerable.Range(0, 256).Select(i => (byte)Math.Clamp(value(i), 0, 255)).ToArray();
            for (var i = channel; i < pixels.Length; i += 3)
            {
                pixels[i] = table[image.Pixels[i]];
            }
        }

        return image with { Pixels = pixels };
    }
}
