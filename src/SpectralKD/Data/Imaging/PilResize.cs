using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SpectralKD.Data;

/// <summary>
/// Pillow's antialiased bicubic (or bilinear) resize of 8-bit images, bit for bit (its <c>Resample.c</c>): a = -0.5, the kernel widened when
/// shrinking, horizontal pass before the vertical one, coefficients in fixed point with 22 fractional bits, each pass rounded and clipped
/// to bytes. Only the columns and rows of the asked window are computed; their values do not depend on the rest.
/// </summary>
internal static class PilResize
{
    /// <summary>Fractional bits: 32 - 8 bits of the pixel - 2 bits for overshoot and sign.</summary>
    private const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Half of a whole number: sums are rounded.</summary>
    private const int Half = 1 << (PrecisionBits - 1);

    /// <summary>Resizes the whole image.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, PilFilter filter = PilFilter.Bicubic) =>
        Resize(image, width, height, new PixelWindow(0, 0, width, height), filter);

    /// <summary>Resizes to <paramref name="width"/> x <paramref name="height"/> and returns the part inside the window.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, PixelWindow window, PilFilter filter = PilFilter.Bicubic)
    {
        var pixels = GC.AllocateUninitializedArray<byte>(window.Width * window.Height * 3);
        Resize(image, width, height, window, pixels, filter, Avx2.IsSupported);
        return new RgbImage(window.Width, window.Height, pixels);
    }

    /// <summary>The same into bytes of the caller's, <c>[H, W, 3]</c> of the window.</summary>
    public static void Resize(RgbImage image, int width, int height, PixelWindow window, Span<byte> pixels, PilFilter filter) =>
        Resize(image, width, height, window, pixels, filter, Avx2.IsSupported);

    /// <summary>The same, with AVX2 or without it.</summary>
    internal static void Resize(RgbImage image, int width, int height, PixelWindow window, Span<byte> pixels, PilFilter filter, bool avx2)
    {
        var rows = BicubicTaps.Compute(image.Height, height, window.Top, window.Height, filter);
        if (height == image.Height)
        {
            Narrow(image, width, window, rows, filter, pixels, avx2);
            return;
        }

        var bytes = rows.SourceCount * window.Width * 3;
        var narrowed = ArrayPool<byte>.Shared.Rent(bytes);
        Narrow(image, width, window, rows, filter, narrowed.AsSpan(0, bytes), avx2);
        Vertical(narrowed.AsSpan(0, bytes), pixels, window.Width * 3, rows);
        ArrayPool<byte>.Shared.Return(narrowed);
    }

    // The rows that the vertical pass needs, in the window's columns.
    private static void Narrow(RgbImage image, int width, PixelWindow window, BicubicTaps rows, PilFilter filter, Span<byte> target, bool avx2)
    {
        var (stride, length) = (image.Width * 3, window.Width * 3);
        var taps = width == image.Width ? null : BicubicTaps.Compute(image.Width, width, window.Left, window.Width, filter);
        var packed = taps is not null && avx2 ? taps.Packed() : [];
        var padded = new byte[stride + 4 + (12 * (taps?.Groups ?? 0))]; // rows are read beyond their end, where weights are 0; the last ones from here
        for (var y = 0; y < rows.SourceCount; y++)
        {
            var start = (rows.FirstSource + y) * stride;
            var row = target.Slice(y * length, length);
            if (taps is null)
            {
                image.Pixels.AsSpan(start + (window.Left * 3), length).CopyTo(row);
                continue;
            }

            var source = image.Pixels.AsSpan(start);
            if (source.Length < padded.Length)
            {
                source[..stride].CopyTo(padded);
                source = padded;
            }

            if (avx2)
            {
                HorizontalRow(source, row, taps, packed);
            }
            else
            {
                HorizontalRow(source, row, taps);
            }
        }
    }

    private static void HorizontalRow(ReadOnlySpan<byte> source, Span<byte> target, BicubicTaps taps)
    {
        ref var first = ref MemoryMarshal.GetReference(source);
        for (var x = 0; x < taps.Count; x++)
        {
            var sum = Vector128.Create(Half);
            var offset = taps.Start(x) * 3;
            foreach (var weight in taps.Weights(x))
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
        var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, offset))).AsByte();
        return Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();
    }

    // Four source pixels at once, each pair of them multiplied and added in 16 bits by 16: a weight's lower 15 bits and what is above them go apart and meet
    // in the sum, which is the same whole number.
    private static void HorizontalRow(ReadOnlySpan<byte> source, Span<byte> target, BicubicTaps taps, ReadOnlySpan<Vector128<int>> packed)
    {
        const byte None = 0x80;
        var pairs = Vector256.Create(
            0, None, 3, None, 1, None, 4, None, 2, None, 5, None, None, None, None, None, 6, None, 9, None, 7, None, 10, None, 8, None, 11, None, None, None, None, None);
        var (lower, upper) = (Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1), Vector256.Create(2, 2, 2, 2, 3, 3, 3, 3));
        ref var first = ref MemoryMarshal.GetReference(source);
        ref var weights = ref MemoryMarshal.GetReference(packed);
        for (var x = 0; x < taps.Count; x++)
        {
            var (low, high) = (Vector256<int>.Zero, Vector256<int>.Zero);
            ref var pixels = ref Unsafe.Add(ref first, taps.Start(x) * 3);
            for (var group = 0; group < taps.Groups; group++)
            {
                var four = Vector128.LoadUnsafe(ref pixels, (nuint)(group * 12));
                var shuffled = Avx2.Shuffle(Vector256.Create(four, four), pairs).AsInt16(); // R R G G B B 0 0 of two pixels, then of the next two
                var weight = weights.ToVector256Unsafe();
                low += Avx2.MultiplyAddAdjacent(shuffled, Avx2.PermuteVar8x32(weight, lower).AsInt16());
                high += Avx2.MultiplyAddAdjacent(shuffled, Avx2.PermuteVar8x32(weight, upper).AsInt16());
                weights = ref Unsafe.Add(ref weights, 1);
            }

            var halves = low + (high << BicubicTaps.LowerBits);
            var sums = (halves.GetLower() + halves.GetUpper() + Vector128.Create(Half)) >> PrecisionBits;
            var words = Sse2.PackSignedSaturate(sums, sums);
            var pixel = Sse2.PackUnsignedSaturate(words, words).AsUInt32().ToScalar();
            if (x < taps.Count - 1)
            {
                Unsafe.WriteUnaligned(ref target[x * 3], pixel); // the fourth byte is the next pixel's first
            }
            else
            {
                (target[x * 3], target[(x * 3) + 1], target[(x * 3) + 2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
            }
        }
    }

    private static void Vertical(ReadOnlySpan<byte> source, Span<byte> target, int stride, BicubicTaps taps)
    {
        for (var y = 0; y < taps.Count; y++)
        {
            VerticalRow(source[((taps.Start(y) - taps.FirstSource) * stride)..], target.Slice(y * stride, stride), taps.Weights(y));
        }
    }

    private static void VerticalRow(ReadOnlySpan<byte> source, Span<byte> target, ReadOnlySpan<int> weights)
    {
        var i = 0;
        ref var from = ref MemoryMarshal.GetReference(source);
        for (; Vector128.IsHardwareAccelerated && i <= target.Length - 16; i += 16)
        {
            var (a, b, c, d) = (Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half), Vector128.Create(Half));
            var at = (nuint)i;
            foreach (var weight in weights)
            {
                var factor = Vector128.Create(weight);
                var (low, high) = Vector128.Widen(Vector128.LoadUnsafe(ref from, at));
                a += Vector128.WidenLower(low).AsInt32() * factor;
                b += Vector128.WidenUpper(low).AsInt32() * factor;
                c += Vector128.WidenLower(high).AsInt32() * factor;
                d += Vector128.WidenUpper(high).AsInt32() * factor;
                at += (nuint)target.Length;
            }

            Vector128.Narrow(Vector128.Narrow(Clip(a), Clip(b)), Vector128.Narrow(Clip(c), Clip(d))).CopyTo(target[i..]);
        }

        for (; i < target.Length; i++)
        {
            var (sum, at) = (Half, i);
            foreach (var weight in weights)
            {
                sum += source[at] * weight;
                at += target.Length;
            }

            target[i] = Clip(sum);
        }
    }

    private static Vector128<uint> Clip(Vector128<int> fixedPoint) =>
        Vector128.Min(Vector128.Max(fixedPoint >> PrecisionBits, Vector128<int>.Zero), Vector128.Create(255)).AsUInt32();

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
    /// <summary>Bits of a weight's lower part: positive as a 16-bit number.</summary>
    public const int LowerBits = 15;

    private const int Lower = (1 << LowerBits) - 1;
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

    /// <summary>Fours of source positions that hold any output's weights.</summary>
    public int Groups { get; private set; }

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

    /// <summary>The weights in fours, of each output <see cref="Groups"/>: lower parts of the first and second, of the third and fourth, then their upper parts, 16 bits each.</summary>
    public Vector128<int>[] Packed()
    {
        Groups = (_lengths.Max() + 3) / 4;
        var packed = new Vector128<int>[Count * Groups];
        Span<int> four = stackalloc int[4];
        for (var i = 0; i < packed.Length; i++)
        {
            var (output, begin) = (i / Groups, i % Groups * 4);
            four.Clear();
            var weights = Weights(output);
            weights = weights[Math.Min(begin, weights.Length)..];
            weights[..Math.Min(4, weights.Length)].CopyTo(four);
            packed[i] = Vector128.Create(Pair(four[0] & Lower, four[1] & Lower), Pair(four[2] & Lower, four[3] & Lower),
                Pair(four[0] >> LowerBits, four[1] >> LowerBits), Pair(four[2] >> LowerBits, four[3] >> LowerBits));
        }

        return packed;

        static int Pair(int one, int two) => (one & 0xFFFF) | (two << 16);
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
            _weights[(output * _capacity) + i] = PilResize.ToFixedPoint(sum == 0 ? kernel[i] : kernel[i] / sum);
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
