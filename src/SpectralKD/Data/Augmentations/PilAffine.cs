using System.Runtime.Intrinsics;

namespace SpectralKD.Data.Augmentations;

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
