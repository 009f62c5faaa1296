using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SpectralKD.Data;

/// <summary>
/// Pillow's antialiased bicubic resize of 8-bit images, bit for bit (its <c>Resample.c</c>): a = -0.5, the kernel widened when
/// shrinking, horizontal pass before the vertical one, coefficients in fixed point with 22 fractional bits, each pass rounded and clipped
/// to bytes. Only the columns and rows of the asked window are computed; their values do not depend on the rest.
/// </summary>
internal static class PilBicubic
{
    /// <summary>Fractional bits: 32 - 8 bits of the pixel - 2 bits for overshoot and sign.</summary>
    private const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Resizes the whole image.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height) =>
        Resize(image, width, height, new PixelWindow(0, 0, width, height));

    /// <summary>Resizes to <paramref name="width"/> x <paramref name="height"/> and returns the part inside the window.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, PixelWindow window)
    {
        var columns = BicubicTaps.Compute(image.Width, width, window.Left, window.Width);
        var rows = BicubicTaps.Compute(image.Height, height, window.Top, window.Height);
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
