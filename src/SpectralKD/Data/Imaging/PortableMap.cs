using System.Globalization;

namespace SpectralKD.Data;

/// <summary>
/// Reads the Netpbm formats that torchvision lists as images (whatever their ending): bitmaps <c>P1</c> and <c>P4</c>, grey maps <c>P2</c> and
/// <c>P5</c>, pixmaps <c>P3</c> and <c>P6</c>, of 8 or 16 bits, plain or binary. Samples are scaled as Pillow does it, to the nearest, halves to even.
/// </summary>
internal static class PortableMap
{
    /// <summary>True if the file begins as one of the formats.</summary>
    public static bool IsOne(ReadOnlySpan<byte> file) =>
        file.Length > 2 && file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6' && IsSpace(file[2]);

    /// <summary>Decodes the file; samples are scaled to 0..255.</summary>
    /// <exception cref="SpectralKDException">The header is wrong, the data too short or the image too large; the message names the image.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> file, string name)
    {
        var kind = file[1] - '0';
        var (isPlain, isBitmap, channels) = (kind <= 3, kind is 1 or 4, kind is 3 or 6 ? 3 : 1);
        var at = 2;
        var (width, height) = (ReadNumber(file, ref at), ReadNumber(file, ref at));
        var maximum = isBitmap ? 1 : ReadNumber(file, ref at);
        if (width <= 0 || height <= 0 || maximum is <= 0 or > 65535)
        {
            throw new SpectralKDException($"the image {name} has a broken header for a PBM, PGM or PPM file");
        }

        ImageDecoder.CheckSize(width, height, name);
        at++; // one white space after the header
        var rest = file[Math.Min(at, file.Length)..];
        var bytes = maximum > 255 ? 2 : 1;
        var needed = isPlain ? (long)width * height * channels
            : isBitmap ? (width + 7L) / 8 * height
            : (long)width * height * channels * bytes;
        if (rest.Length < needed)
        {
            throw Truncated(name, needed, rest.Length, "bytes");
        }

        DecodingRoom.Take(3L * width * height);
        var pixels = new byte[3 * width * height];
        if (isPlain)
        {
            ReadPlain(rest, pixels, channels, isBitmap, maximum, name);
        }
        else if (isBitmap)
        {
            ReadBits(rest, pixels, width);
        }
        else
        {
            ReadBinary(rest, pixels, channels, bytes, maximum);
        }

        return new RgbImage(width, height, pixels);
    }

    private static void ReadBinary(ReadOnlySpan<byte> samples, byte[] pixels, int channels, int bytes, int maximum)
    {
        var scaled = Scale(maximum);
        var last = pixels.Length / (channels == 1 ? 3 : 1);
        for (var i = 0; i < last; i++)
        {
            var value = bytes == 1 ? samples[i] : (samples[2 * i] << 8) | samples[(2 * i) + 1];
            Put(pixels, i, channels, scaled[Math.Min(value, maximum)]);
        }
    }

    private static void ReadBits(ReadOnlySpan<byte> rows, byte[] pixels, int width)
    {
        var stride = (width + 7) / 8;
        for (var i = 0; i < pixels.Length / 3; i++)
        {
            var (y, x) = (i / width, i % width);
            var isBlack = ((rows[(y * stride) + (x / 8)] >> (7 - (x % 8))) & 1) == 1;
            Put(pixels, i, 1, isBlack ? (byte)0 : (byte)255);
        }
    }

    private static void ReadPlain(ReadOnlySpan<byte> text, byte[] pixels, int channels, bool isBitmap, int maximum, string name)
    {
        var scaled = Scale(maximum);
        var (at, last) = (0, pixels.Length / (channels == 1 ? 3 : 1));
        for (var i = 0; i < last; i++)
        {
            SkipSpace(text, ref at);
            if (at >= text.Length)
            {
                throw Truncated(name, last, i, "numbers");
            }

            var start = at;
            while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9' && !(isBitmap && at > start))
            {
                at++; // a bitmap's digits need no space between them
            }

            if (!int.TryParse(text[start..at], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value > maximum)
            {
                throw new SpectralKDException(FormattableString.Invariant(
                    $"the image {name} is corrupt: its number {i + 1} of {last} is none from 0 to {maximum}"));
            }

            Put(pixels, i, channels, isBitmap ? (byte)(255 - scaled[value]) : scaled[value]);
        }
    }

    private static void Put(byte[] pixels, int sample, int channels, byte value)
    {
        if (channels == 3)
        {
            pixels[sample] = value;
        }
        else
        {
            pixels.AsSpan(3 * sample, 3).Fill(value);
        }
    }

    private static byte[] Scale(int maximum) => [.. Enumerable.Range(0, maximum + 1).Select(value => (byte)Math.Round(value / (double)maximum * 255))];

    private static SpectralKDException Truncated(string name, long expected, long found, string unit) => new(FormattableString.Invariant(
        $"the image {name} is truncated: {expected} {unit} of pixels expected, {found} found"));

    private static int ReadNumber(ReadOnlySpan<byte> file, ref int at)
    {
        SkipSpace(file, ref at);
        var start = at;
        while (at < file.Length && file[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        return int.TryParse(file[start..at], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    private static void SkipSpace(ReadOnlySpan<byte> file, ref int at)
    {
        while (at < file.Length && (IsSpace(file[at]) || file[at] == '#'))
        {
            at += file[at] == '#' ? LineLength(file[at..]) : 1;
        }
    }

    private static int LineLength(ReadOnlySpan<byte> rest)
    {
        var end = rest.IndexOfAny((byte)'\n', (byte)'\r');
        return end < 0 ? rest.Length : end;
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
}
