using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SpectralKD.Data;

/// <summary>
/// Pillow's antialiased bicubic (or bilinear) resize of 8-bit images, bit for bit (its <c>Resample.c</c>): a = -0.5, the kernel widened when
/// shrinking, horizontal pass before the vertical one, coefficients in fixed point with 22 fractional bits, each pass rounded and clipped
/// to bytes. Only the columns and rows of the asked window are computed; their values do not depend on the rest.
/// </summary>
internal static class PilBicubic
{
    /// <summary>Fractional bits: 32 - 8 bits of the pixel - 2 bits for overshoot and sign.</summary>
    private const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Resizes the whole image.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, PilFilter filter = PilFilter.Bicubic) =>
        Resize(image, width, height, new PixelWindow(0, 0, width, height), filter);

    /// <summary>Resizes to <paramref name="width"/> x <paramref name="height"/> and returns the part inside the window.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, PixelWindow window, PilFilter filter = PilFilter.Bicubic)
    {
        var columns = BicubicTaps.Compute(image.Width, width, window.Left, window.Width, filter);
        var rows = BicubicTaps.Compute(image.Height, height, window.Top, window.Height, filter);
        var narrowed = width == image.Width
            ? CopyColumns(image, rows.FirstSource, rows.SourceCount, window)
            : Horizontal(image, columns, rows.FirstSource, rows.SourceCount);
        var pixels = height == image.Height
            ? narrowed
            : Vertical(narrowed, window.Width * 3, rows);
        return new RgbImage(window.Width, window.Height, pixels);
    }

    private static byte[] CopyColumns(RgbImage image, int firstRow, int rowCount, PixelWindow window)
    {
        var result = new byte[rowCount * window.Width * 3];
        for (var y = 0; y < rowCount; y++)
        {
            image.Pixels.AsSpan((((firstRow + y) * image.Width) + window.Left) * 3, window.Width * 3)
                .CopyTo(result.AsSpan(y * window.Width * 3));
        }

        return result;
    }

    private static byte[] Horizontal(RgbImage image, BicubicTaps taps, int firstRow, int rowCount)
    {
        var stride = image.Width * 3;
        var result = new byte[rowCount * taps.Count * 3];
        var padded = new byte[stride + 1]; // a pixel is read as 4 bytes; the last one needs a byte after it
        for (var y = 0; y < rowCount; y++)
        {
            image.Pixels.AsSpan((firstRow + y) * stride, stride).CopyTo(padded);
            HorizontalRow(padded, result.AsSpan(y * taps.Count * 3, taps.Count * 3), taps);
        }

        return result;
    }

    private static void HorizontalRow(ReadOnlySpan<byte> source, Span<byte> target, BicubicTaps taps)
    {
        ref var first = ref MemoryMarshal.GetReference(source);
        for (var x = 0; x < taps.Count; x++)
        {
            var weights = taps.Weights(x);
            var sum = Vector128.Create(1 << (PrecisionBits - 1));
            var offset = taps.Start(x) * 3;
            foreach (var weight in weights)
            {
                sum += LoadPixel(ref first, offset) * Vector128.Create(weight);
                offset += 3;
            }

            target[x * 3] = Clip(sum.GetElement(0));
            target[(x * 3) + 1] = Clip(sum.GetElement(1));
            target[(x * 3) + 2] = Clip(sum.GetElement(2));
        }
    }

    private static Vector128<int> LoadPixel(ref byte first, int offset)
    {
        var four = System.Runtime.CompilerServices.Unsafe.ReadUnaligned<uint>(
            ref System.Runtime.CompilerServices.Unsafe.Add(ref first, offset));
        var bytes = Vector128.CreateScalarUnsafe(four).AsByte();
        return Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();
    }

    private static byte[] Vertical(byte[] source, int stride, BicubicTaps taps)
    {
        var result = new byte[taps.Count * stride];
        var sums = new int[stride];
        for (var y = 0; y < taps.Count; y++)
        {
            Array.Fill(sums, 1 << (PrecisionBits - 1));
            var row = taps.Start(y) - taps.FirstSource;
            foreach (var weight in taps.Weights(y))
            {
                AddWeighted(sums, source.AsSpan(row++ * stride, stride), weight);
            }

            ClipRow(sums, result.AsSpan(y * stride, stride));
        }

        return result;
    }

    private static void AddWeighted(Span<int> sums, ReadOnlySpan<byte> source, int weight)
    {
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            var factor = Vector128.Create(weight);
            ref var from = ref MemoryMarshal.GetReference(source);
            ref var to = ref MemoryMarshal.GetReference(sums);
            for (; i <= sums.Length - 8; i += 8)
            {
                var eight = Vector128.CreateScalarUnsafe(System.Runtime.CompilerServices.Unsafe.ReadUnaligned<ulong>(
                    ref System.Runtime.CompilerServices.Unsafe.Add(ref from, i))).AsByte();
                var wide = Vector128.WidenLower(eight);
                var low = Vector128.WidenLower(wide).AsInt32();
                var high = Vector128.WidenUpper(wide).AsInt32();
                (Vector128.LoadUnsafe(ref to, (nuint)i) + (low * factor)).StoreUnsafe(ref to, (nuint)i);
                (Vector128.LoadUnsafe(ref to, (nuint)(i + 4)) + (high * factor)).StoreUnsafe(ref to, (nuint)(i + 4));
            }
        }

        for (; i < sums.Length; i++)
        {
            sums[i] += source[i] * weight;
        }
    }

    private static void ClipRow(ReadOnlySpan<int> sums, Span<byte> target)
    {
        for (var i = 0; i < sums.Length; i++)
        {
            target[i] = Clip(sums[i]);
        }
    }

    private static byte Clip(int fixedPoint) => (byte)Math.Clamp(fixedPoint >> PrecisionBits, 0, 255);

    /// <summary>Rounds a coefficient to fixed point as Pillow does: half away from zero.</summary>
    internal static int ToFixedPoint(double coefficient) =>
        (int)((coefficient < 0 ? -0.5 : 0.5) + (coefficient * (1 << PrecisionBits)));
}

/// <summary>The kernel of a resize.</summary>
internal enum PilFilter
{
    /// <summary>Keys' cubic convolution, 2 source pixels to either side.</summary>
    Bicubic,

    /// <summary>A triangle, 1 source pixel to either side.</summary>
    Bilinear,
}

/// <summary>For every output position of one axis: the first source position and the fixed-point weights.</summary>
internal sealed class BicubicTaps
{
    private readonly PilFilter _filter;
    private readonly int[] _starts;
    private readonly int[] _lengths;
    private readonly int[] _weights;
    private readonly int _capacity;

    private BicubicTaps(int count, int capacity, PilFilter filter)
    {
        _filter = filter;
        _capacity = capacity;
        _starts = new int[count];
        _lengths = new int[count];
        _weights = new int[count * capacity];
    }

    /// <summary>Number of output positions.</summary>
    public int Count => _starts.Length;

    /// <summary>First source position that any output needs.</summary>
    public int FirstSource { get; private set; }

    /// <summary>Number of consecutive source positions that the outputs need.</summary>
    public int SourceCount { get; private set; }

    /// <summary>First source position of one output.</summary>
    public int Start(int output) => _starts[output];

    /// <summary>Weights of one output, 22 fractional bits.</summary>
    public ReadOnlySpan<int> Weights(int output) => _weights.AsSpan(output * _capacity, _lengths[output]);

    /// <summary>Weights of the outputs <paramref name="first"/> .. <paramref name="first"/> + <paramref name="count"/> - 1.</summary>
    public static BicubicTaps Compute(int sourceSize, int targetSize, int first, int count, PilFilter filter = PilFilter.Bicubic)
    {
        if (sourceSize == targetSize)
        {
            return Identity(first, count);
        }

        var scale = (double)sourceSize / targetSize;
        var filterScale = Math.Max(scale, 1.0);
        var support = (filter == PilFilter.Bicubic ? 2 : 1) * filterScale; // half the kernel's width in source pixels
        var taps = new BicubicTaps(count, ((int)Math.Ceiling(support) * 2) + 1, filter);
        var kernel = new double[taps._capacity];
        for (var i = 0; i < count; i++)
        {
            taps.Fill(i, (first + i + 0.5) * scale, support, 1.0 / filterScale, sourceSize, kernel);
        }

        taps.FindSources();
        return taps;
    }

    private static BicubicTaps Identity(int first, int count)
    {
        var taps = new BicubicTaps(count, 0, PilFilter.Bicubic) { FirstSource = first, SourceCount = count };
        for (var i = 0; i < count; i++)
        {
            taps._starts[i] = first + i;
        }

        return taps;
    }

    private void Fill(int output, double centre, double support, double inverseScale, int sourceSize, double[] kernel)
    {
        var from = Math.Max((int)(centre - support + 0.5), 0);
        var to = Math.Min((int)(centre + support + 0.5), sourceSize);
        var sum = 0.0;
        for (var i = 0; i < to - from; i++)
        {
            kernel[i] = Kernel((i + from - centre + 0.5) * inverseScale);
            sum += kernel[i];
        }

        _starts[output] = from;
        _lengths[output] = to - from;
        for (var i = 0; i < to - from; i++)
        {
            _weights[(output * _capacity) + i] = PilBicubic.ToFixedPoint(sum == 0 ? kernel[i] : kernel[i] / sum);
        }
    }

    private void FindSources()
    {
        FirstSource = _starts[0];
        var end = 0;
        for (var i = 0; i < Count; i++)
        {
            end = Math.Max(end, _starts[i] + _lengths[i]);
        }

        SourceCount = end - FirstSource;
    }

    private double Kernel(double x) => _filter == PilFilter.Bicubic ? Bicubic(x) : Math.Max(0, 1 - Math.Abs(x));

    /// <summary>Keys' cubic convolution kernel with a = -0.5.</summary>
    private static double Bicubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        return x switch
        {
            < 1 => ((((a + 2.0) * x) - (a + 3.0)) * x * x) + 1,
            < 2 => ((((x - 5) * x) + 8) * x - 4) * a,
            _ => 0,
        };
    }
}
